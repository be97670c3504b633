import { z } from 'zod';
import { appErrorSchema } from '../app-error.ts';
import { modelCall } from './model-call.ts';
import { planRevision } from './plan-revision.ts';
import { commandReport } from './work.ts';

/** One changed path of a commit against its base, as raw `diff-tree -r -z --no-renames` gives it; modes are six octal digits, `000000` for absent. */
export const changedPath = z.object({
  path: z.string(),
  status: z.enum(['A', 'M', 'D', 'T']),
  old_mode: z.string(),
  new_mode: z.string(),
});
export type ChangedPath = z.infer<typeof changedPath>;

/** What ingest found to be true of an attempt's commit; `commit` is the one rewritten to the bot's name. */
export const ingestedCommit = z.object({
  commit: z.string(),
  tree: z.string(),
  base_oid: z.string(),
  changes: z.array(changedPath),
  insertions: z.int().nonnegative(),
  deletions: z.int().nonnegative(),
  /** Paths that policy reserves for a person (CI files, hooks, lock files …: S35). */
  protected_paths: z.array(z.string()),
});
export type IngestedCommit = z.infer<typeof ingestedCommit>;

export const finding = z.object({
  rule: z.string(),
  severity: z.enum(['error', 'warning', 'note']),
  path: z.string().nullable(),
  line: z.int().positive().nullable(),
  message: z.string(),
});
export type Finding = z.infer<typeof finding>;

export const judgementPayloads = {
  review_request: z.looseObject({ attempt_id: z.string(), ingested: ingestedCommit }),
  /** A verdict is bound to one tree: for any other it is worth nothing. */
  review_response: z.looseObject({
    attempt_id: z.string(),
    tree: z.string(),
    verdict: z.enum(['approve', 'request_changes', 'reject']),
    findings: z.array(finding),
    reviewer: z.string(),
    /** What a model's judging took. */
    calls: z.array(modelCall).optional(),
  }),
  /** What is to become of a task whose attempts fail, before a person is asked. */
  triage_request: z.looseObject({ attempt_id: z.string(), failures: z.int().positive(), error: appErrorSchema }),
  /** `revision`: what `revise` and `split` make of the plan, else null. `advice`: what the next attempt is told. */
  triage_response: z.looseObject({
    attempt_id: z.string(),
    decision: z.enum(['retry', 'revise', 'split', 'person']),
    reason: z.string(),
    advice: z.string(),
    revision: planRevision.nullable(),
    /** The model; `nobody` where none could be asked. */
    manager: z.string(),
    calls: z.array(modelCall).optional(),
  }),
  merge_request: z.looseObject({ attempt_id: z.string(), commit: z.string(), tree: z.string(), title: z.string() }),
  merge_complete: z.looseObject({
    attempt_id: z.string(),
    outcome: z.enum(['merged', 'conflict']),
    tip_before: z.string(),
    tip_after: z.string(),
    conflicts: z.array(z.string()),
  }),
  conflict_escalate: z.looseObject({ conflicts: z.array(z.string()), message: z.string() }),
  verify_result: z.looseObject({
    oid: z.string(),
    outcome: z.enum(['green', 'red', 'unavailable']),
    reports: z.array(commandReport),
    error: appErrorSchema.nullable(),
  }),
  escalate: z.looseObject({ reason: z.string(), error: appErrorSchema.nullable() }),
};
