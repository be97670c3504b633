import type { Run } from './records.ts';

/** `id`, or with a number behind it where the run has had a task of that name. */
export function freeId(run: Pick<Run, 'tasks'>, id: string): string {
  let free = id;
  for (let number = 2; run.tasks.has(free); number += 1) free = `${id}-${number}`;
  return free;
}
