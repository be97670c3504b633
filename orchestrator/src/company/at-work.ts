import type { Run, TaskRecord } from './records.ts';
import { attemptEnds } from './states.ts';

/** Whether a host still has to let go of the task: an attempt that ended just before has nobody to answer. */
export function isAtWork(run: Pick<Run, 'attempts'>, task: TaskRecord): boolean {
  const attempt = run.attempts.get(task.attemptId ?? '');
  return task.state === 'running' && attempt !== undefined && !attemptEnds.has(attempt.state);
}
