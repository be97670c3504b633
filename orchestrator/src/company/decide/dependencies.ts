import { latest } from '../current-plan.ts';
import type { Run, TaskRecord } from '../records.ts';

/** Whether a task's dependencies are all merged, can still come, or never will. */
export function dependencyStatus(run: Run, task: TaskRecord): 'met' | 'waiting' | 'dead' {
  let status: 'met' | 'waiting' = 'met';
  for (const id of task.spec.depends_on) {
    const known = run.tasks.get(id);
    const state = known === undefined ? 'failed' : latest(run, known).state;
    if (state === 'failed' || state === 'cancelled' || state === 'blocked') return 'dead';
    if (state !== 'merged') status = 'waiting';
  }
  return status;
}
