import type { Feedback, Task } from '@agentcompany/protocol';
import { latest } from './current-plan.ts';
import type { NoteRecord, Run, TaskRecord } from './records.ts';

/** A task as it enters a run; what is left out it begins without. */
export interface NewTask {
  readonly spec: Task;
  readonly conflictRounds?: number;
  readonly triages?: number;
  readonly feedback?: Feedback | null;
  readonly notes?: readonly NoteRecord[];
}

export function addTask(
  run: Run,
  { spec, conflictRounds = 0, triages = 0, feedback = null, notes = [] }: NewTask,
): void {
  const record: TaskRecord = {
    spec,
    index: run.tasks.size,
    revision: run.revision,
    conflictRounds,
    state: 'pending',
    rounds: 0,
    failures: 0,
    reviewRounds: 0,
    feedback,
    assignmentId: null,
    attemptId: null,
    approvalId: null,
    conflicts: null,
    supersededBy: null,
    retryWanted: false,
    notes,
    triage: null,
    triages,
    error: null,
  };
  run.tasks.set(spec.id, record);
  run.counts.pending += 1;
  run.agenda.add(spec.id);
  noteDependencies(run, spec);
}

/** Whoever is waited for knows who waits; where a task was superseded meanwhile, that is its successor. */
export function noteDependencies(run: Run, { id, depends_on }: Task): void {
  for (const name of depends_on) {
    const known = run.tasks.get(name);
    const dependency = known === undefined ? name : latest(run, known).spec.id;
    const list = run.dependants.get(dependency) ?? [];
    if (!list.includes(id)) list.push(id);
    run.dependants.set(dependency, list);
  }
}
