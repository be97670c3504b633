import type { Plan, Task } from '@agentcompany/protocol';
import type { Run, TaskRecord } from './records.ts';

/** A task's successor of the last revision: itself where nothing superseded it. */
export function latest(run: Pick<Run, 'tasks'>, task: TaskRecord): TaskRecord {
  let current = task;
  while (current.supersededBy !== null) {
    const next = run.tasks.get(current.supersededBy);
    if (next === undefined) break;
    current = next;
  }
  return current;
}

/** The plan as it stands: without what was superseded or removed, every dependency by the name that it has now. Null before there is one. */
export function currentPlan(run: Pick<Run, 'plan' | 'tasks'>): Plan | null {
  if (run.plan === null) return null;
  const known = (id: string): string => {
    const task = run.tasks.get(id);
    return task === undefined ? id : latest(run, task).spec.id;
  };
  const standing = [...run.tasks.values()].filter(
    ({ state, supersededBy }) => state !== 'cancelled' && state !== 'cancelling' && supersededBy === null,
  );
  return { ...run.plan, tasks: standing.map(({ spec }) => withDependencies(spec, known)) };
}

/** The task with each dependency renamed; itself where none is. */
export function withDependencies(spec: Task, rename: (id: string) => string): Task {
  const renamed = [...new Set(spec.depends_on.map(rename))];
  return renamed.every((id, index) => id === spec.depends_on[index]) ? spec : { ...spec, depends_on: renamed };
}
