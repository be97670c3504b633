import { commandAgent, maximumNotes, type AppError } from '@agentcompany/protocol';
import { companyErrors } from './errors.ts';
import type { Run, TaskRecord } from './records.ts';
import { runEnds, taskEnds } from './states.ts';

/**
 * What keeps a person from telling whoever works on a task something more, or null. Errors: `AC_NOTE_TASK_ENDED`, `AC_NOTE_UNREAD`: a
 * command reads nothing; `AC_NOTES_SPENT`.
 */
export function findNoteProblem(run: Run, { spec, state, notes, supersededBy }: TaskRecord): AppError | null {
  const hasEnded = supersededBy !== null || taskEnds.has(state) || state === 'cancelling' || runEnds.has(run.state);
  if (hasEnded)
    return companyErrors.AC_NOTE_TASK_ENDED({ task: spec.id, state: runEnds.has(run.state) ? run.state : state });
  if (spec.agent === commandAgent) return companyErrors.AC_NOTE_UNREAD({ task: spec.id });
  return notes.length >= maximumNotes ? companyErrors.AC_NOTES_SPENT({ task: spec.id, count: notes.length }) : null;
}
