import { z } from 'zod';
import { appErrorSchema } from '../app-error.ts';

/** A pull request as the forge records it. */
export const pullRequestRef = z.object({
  number: z.int().positive(),
  url: z.string(),
  branch: z.string(),
  base: z.string(),
});
export type PullRequestRef = z.infer<typeof pullRequestRef>;

export const runPayloads = {
  run_state: z.looseObject({ to: z.string(), reason: z.string(), error: appErrorSchema.nullable() }),
  run_pause: z.looseObject({ by: z.string() }),
  /** The budgets, where given, are the run's from here on. */
  run_resume: z.looseObject({
    by: z.string(),
    budget_usd: z.number().nonnegative().optional(),
    budget_tokens: z.int().nonnegative().optional(),
  }),
  run_cancel: z.looseObject({ by: z.string(), reason: z.string() }),
  run_complete: z.looseObject({ outcome: z.enum(['merged', 'closed']), pull_request: pullRequestRef }),
  run_failed: z.looseObject({ error: appErrorSchema }),
};
