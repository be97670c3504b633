import type { Run } from '../records.ts';
import { taskEnds } from '../states.ts';
import { runState, taskState, type Draft } from './draft.ts';

/** Cancels what has not ended; a running task first becomes `cancelling`, until its host has let go. */
export function decideCancellation(run: Run): readonly Draft[] {
  const drafts: Draft[] = [];
  for (const [id, task] of run.tasks) {
    if (taskEnds.has(task.state) || task.state === 'cancelling') continue;
    drafts.push(taskState(id, task.state === 'running' ? 'cancelling' : 'cancelled', 'the run was cancelled'));
  }
  const waiting = run.counts.running + run.counts.cancelling;
  return waiting > 0 ? drafts : [...drafts, runState('cancelled', 'nothing is at work any more')];
}
