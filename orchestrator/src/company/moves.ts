import type { EnvelopeType } from '@agentcompany/protocol';
import { attemptTable } from './attempt-table.ts';
import type { AttemptRecord, Run, TaskRecord } from './records.ts';
import { runTable } from './run-table.ts';
import { taskTable } from './task-table.ts';
import { nextState } from './transitions.ts';

/** Moves the run as its table says; false when the table refuses. `wanted` is the state the envelope names. */
export function moveRun(run: Run, type: EnvelopeType, wanted?: string): boolean {
  const next = nextState(runTable, run.state, type, wanted);
  if (next === null) return false;
  run.state = next;
  return true;
}

/** Moves a task as its table says, keeps the counts, and puts it and its dependants on the agenda. */
export function moveTask(run: Run, task: TaskRecord, type: EnvelopeType, wanted?: string): boolean {
  const next = nextState(taskTable, task.state, type, wanted);
  if (next === null) return false;
  run.counts[task.state] -= 1;
  run.counts[next] += 1;
  task.state = next;
  run.agenda.add(task.spec.id);
  for (const dependant of run.dependants.get(task.spec.id) ?? []) run.agenda.add(dependant);
  return true;
}

/** Moves an attempt as its table says; `at` is the time on record when that ends it. */
export function moveAttempt(attempt: AttemptRecord, type: EnvelopeType, at: string, wanted?: string): boolean {
  const next = nextState(attemptTable, attempt.state, type, wanted);
  if (next === null) return false;
  attempt.state = next;
  if (next === 'rejected' || next === 'lost' || next === 'ingested') attempt.endedAt = at;
  return true;
}
