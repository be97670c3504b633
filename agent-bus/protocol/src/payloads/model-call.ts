import { z } from 'zod';

const tokens = z.number().nonnegative();

/** One request to a model: tokens that do not overlap, and US dollars, null where there is no price. */
export const modelCall = z.object({
  provider: z.string(),
  model: z.string(),
  usage: z.object({ input: tokens, output: tokens, cache_read: tokens, cache_write: tokens }),
  cost_usd: z.number().nonnegative().nullable(),
});
export type ModelCall = z.infer<typeof modelCall>;

/** What one attempt's calls took together, per model, as the host measured it; never what the worker says of itself. */
export const modelAccount = z.array(
  modelCall.extend({
    calls: z.int().positive(),
    /** Dollars are an upper bound: the host that could have told died. */
    estimated: z.boolean().default(false),
  }),
);
export type ModelAccount = z.infer<typeof modelAccount>;
