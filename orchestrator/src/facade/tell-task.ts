import { failure, maximumNoteLength, newId, success, type Envelope, type Result } from '@agentcompany/protocol';
import { latest } from '../company/current-plan.ts';
import { findNoteProblem } from '../company/notes.ts';
import type { Run, TaskRecord } from '../company/records.ts';
import type { Company, TellRequest, ToldTask } from '../company-facade.ts';
import type { FacadeContext } from './context.ts';
import { facadeErrors } from './errors.ts';
import { findRun } from './find-run.ts';
import { foldedRun } from './revise-plan.ts';

const sender = 'president';

/** What a person tells whoever works on a task. */
export function openNoteDesk(context: FacadeContext): Pick<Company, 'tellTask'> {
  return { tellTask: (request) => tellTask(context, request) };
}

/** On record only while the task can still hear it: the stream has to stand where that was looked at. */
async function tellTask(context: FacadeContext, request: TellRequest): Promise<Result<ToldTask>> {
  const note = request.note.toWellFormed().trim();
  if (note === '' || note.length > maximumNoteLength)
    return failure(facadeErrors.AC_NOTE_INVALID({ length: note.length, maximum: maximumNoteLength }));
  const runId = await runOf(context, request);
  if (!runId.ok) return runId;
  const id = newId();
  for (;;) {
    const run = await foldedRun(context, runId.value);
    if (!run.ok) return run;
    const task = taskOf(run.value, request.taskId);
    if (task === null) return failure(facadeErrors.AC_TASK_UNKNOWN({ run: run.value.id, task: request.taskId }));
    const problem = findNoteProblem(run.value, task);
    if (problem !== null) return failure(problem);
    const envelope: Envelope = {
      version: '1',
      id,
      sender,
      recipient: 'workers',
      envelope_type: 'task_note',
      payload: { note, by: sender },
      context: { run_id: run.value.id, task_id: task.spec.id },
      inReplyTo: null,
      created_at: new Date().toISOString(),
    };
    const expect = { stream: run.value.id, version: run.value.version };
    const sent = await context.bus.send([{ envelope, queue: null }], { expect });
    if (sent.ok) return success(toldOf(run.value, task, id));
    if (sent.error.code !== 'AC_BUS_CONFLICT') return sent;
  }
}

/** A task by its name; one that was superseded means its successor. */
function taskOf(run: Run, id: string): TaskRecord | null {
  const task = run.tasks.get(id);
  return task === undefined ? null : latest(run, task);
}

function toldOf(run: Run, task: TaskRecord, noteId: string): ToldTask {
  const agent = run.settings.agents.find(({ name }) => name === task.spec.agent);
  const isAtWork = task.state === 'running' && task.attemptId !== null;
  const heard = isAtWork
    ? agent?.runtime === 'builtin'
      ? 'before its next turn'
      : 'after its current turn'
    : 'with its next attempt';
  return { run_id: run.id, task_id: task.spec.id, note_id: noteId, state: task.state, heard };
}

/** The run that is named, else the one open run that has such a task. Errors: `AC_TASK_NOWHERE`, `AC_TASK_AMBIGUOUS`, those of `findRun`. */
async function runOf(context: FacadeContext, { runId, taskId }: TellRequest): Promise<Result<string>> {
  if (runId !== undefined) {
    const found = await findRun(context, runId);
    return found.ok ? success(found.value.run_id) : found;
  }
  const { model } = context;
  const refreshed = await model.refresh();
  if (!refreshed.ok) return refreshed;
  const having = model.open().filter((id) => model.view(id)?.task_list.some(({ task_id }) => task_id === taskId));
  const [first, another] = having;
  if (first === undefined) return failure(facadeErrors.AC_TASK_NOWHERE({ task: taskId }));
  if (another !== undefined) return failure(facadeErrors.AC_TASK_AMBIGUOUS({ task: taskId, runs: having.join(', ') }));
  return success(first);
}
