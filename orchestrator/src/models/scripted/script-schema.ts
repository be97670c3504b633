import { z } from 'zod';

const tokens = z.int().nonnegative().default(0);

/** One reply, and the requests it is for: `contains` are texts that all occur in the request, as does what `capture` matches, `sha256` is that of the whole. */
const scriptedReply = z.strictObject({
  contains: z.array(z.string().min(1)).default([]),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  /** A regular expression over the request; `{captured}` in the text stands for its first group, or all it matched. */
  capture: z.string().min(1).max(1000).refine(isExpression, 'a regular expression is expected').optional(),
  text: z.string().max(4_194_304).default(''),
  tool_calls: z.array(z.strictObject({ name: z.string().min(1), input: z.unknown() })).default([]),
  stop: z.enum(['finished', 'length']).default('finished'),
  usage: z.strictObject({ input: tokens, output: tokens, cache_read: tokens, cache_write: tokens }).prefault({}),
});
export type ScriptedReply = z.infer<typeof scriptedReply>;

/** A file of replies; the first that fits a request is its answer. */
export const scriptSchema = z.strictObject({ version: z.literal(1), replies: z.array(scriptedReply).max(10_000) });

function isExpression(text: string): boolean {
  try {
    return new RegExp(text, 'u').source !== '';
  } catch {
    return false;
  }
}
