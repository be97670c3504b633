import { wholeOfGrants } from '../budget.ts';
import type { AttemptRecord } from '../records.ts';
import { attemptEnds } from '../states.ts';
import { record, type Draft } from './draft.ts';

/** Nobody will say what a dead host's attempt spent: all that it was granted. */
export function settleUnknown(attempt: AttemptRecord | undefined): readonly Draft[] {
  const account = attempt === undefined || attemptEnds.has(attempt.state) ? null : wholeOfGrants(attempt);
  if (attempt === undefined || account === null) return [];
  const about = { taskId: attempt.taskId, attemptId: attempt.id };
  return [record('budget_settle', { attempt_id: attempt.id, account }, about)];
}
