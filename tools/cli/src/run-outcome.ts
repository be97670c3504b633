import type { AppError } from '@agentcompany/protocol';
import type { RunView } from '@agentcompany/orchestrator';
import { exitCodeOf, exitCodes } from './exit-codes.ts';

/** States in which a run has nothing more to do by itself, or has ended (DESIGN §5). An open pull request is a success. */
const successStates = new Set(['published', 'completed']);
const lostStates = new Set(['failed', 'cancelled']);
const personStates = new Set(['awaiting_approval', 'needs_attention', 'paused']);

/** True where nothing more happens without the outside. */
export function isOver(state: string): boolean {
  return successStates.has(state) || lostStates.has(state);
}

/** True where a person is asked. */
export function needsPerson(state: string): boolean {
  return personStates.has(state);
}

/** Tasks in these states move only when another task or a person does. */
const stillTasks = new Set(['pending', 'blocked', 'awaiting_person', 'merged', 'failed', 'cancelled']);

/** True where a run is under way by its state, but what is left of it waits for an approval. */
function waitsForApproval(run: RunView): boolean {
  return run.approvals.length > 0 && run.task_list.every((task) => stillTasks.has(task.state));
}

/** What to do about a run that waits for a person. */
function nextCommand(run: RunView): string {
  const short = shortId(run.run_id);
  return run.approvals.length > 0 || run.state === 'awaiting_approval'
    ? `agentcompany approve ${short}`
    : `agentcompany resume ${short}`;
}

/** Enough of a UUIDv7 to tell runs of one company apart: its 48 bits of time and the first of the random ones. */
export function shortId(runId: string): string {
  return runId.slice(0, 18);
}

/** Enough of a question's id, which is a digest, to tell questions apart. */
export function shortQuestionId(questionId: string): string {
  return questionId.slice(0, 8);
}

/** The remedy with the run's id where it says RUN, so that its commands can be copied. */
export function remedyFor(error: AppError, runId: string): string {
  return error.remedy.replaceAll(/\bRUN\b/g, shortId(runId));
}

/** The error a run's state stands for, or null for a success. */
export async function runError(run: RunView): Promise<AppError | null> {
  if (successStates.has(run.state)) return null;
  const { cliErrors } = await import('./errors.ts');
  const parameters = { run: shortId(run.run_id), state: run.state.replaceAll('_', ' ') };
  if (needsPerson(run.state) || (!isOver(run.state) && waitsForApproval(run)))
    return cliErrors.AC_RUN_NEEDS_PERSON({ ...parameters, command: nextCommand(run) }, run.error);
  if (run.state === 'cancelled')
    // What went wrong before it was cancelled is not why it ended.
    return cliErrors.AC_RUN_NOT_SUCCESSFUL({ run: parameters.run, ended: 'was cancelled', advice: '' });
  if (lostStates.has(run.state)) {
    const advice = run.error === null ? '' : `${remedyFor(run.error, run.run_id)} `;
    return cliErrors.AC_RUN_NOT_SUCCESSFUL({ run: parameters.run, ended: 'failed', advice }, run.error);
  }
  return cliErrors.AC_RUN_UNFINISHED(parameters, run.error);
}

/** The exit code of a run: of one that failed or waits for want of money that of the budget. */
export function runExitCode(run: RunView, error: AppError | null): number {
  if (error === null) return exitCodes.ok;
  return run.error !== null && exitCodeOf(run.error.code) === exitCodes.budget
    ? exitCodes.budget
    : exitCodeOf(error.code);
}
