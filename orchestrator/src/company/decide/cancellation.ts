import { isAtWork } from '../at-work.ts';
import type { Run } from '../records.ts';
import { taskEnds } from '../states.ts';
import { runState, taskState, type Draft } from './draft.ts';

/** Cancels what has not ended; a running task first becomes `cancelling`, until its host has let go. */
export function decideCancellation(run: Run): readonly Draft[] {
  const drafts: Draft[] = [];
  for (const [id, task] of run.tasks) {
    if (taskEnds.has(task.state) || task.state === 'cancelling') continue;
    drafts.push(taskState(id, isAtWork(run, task) ? 'cancelling' : 'cancelled', 'the run was cancelled'));
  }
  const isWaiting = run.counts.cancelling > 0 || drafts.some((draft) => draft.payload['to'] === 'cancelling');
  return isWaiting ? drafts : [...drafts, runState('cancelled', 'nothing is at work any more')];
}
