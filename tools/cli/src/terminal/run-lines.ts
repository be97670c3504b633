import type { RunSummary, RunView, TaskView } from '@agentcompany/orchestrator';
import type { AppError } from '@agentcompany/protocol';
import { needsPerson, remedyFor, shortId } from '../run-outcome.ts';
import { cleanLine, cleanText, fit } from './clean-text.ts';
import { noteLines } from './note-lines.ts';
import { questionLines } from './question-lines.ts';
import { costLine, shortCost } from './cost-text.ts';
import { paintState, type Style } from './style.ts';
import { renderTable, type Column } from './table.ts';

/** `3/5`: tasks merged of all. */
function progress(run: RunSummary): string {
  const total = Object.values(run.tasks).reduce((sum, count) => sum + count, 0);
  return total === 0 ? '-' : `${run.tasks['merged'] ?? 0}/${total}`;
}

/** Runs as a table; times in UTC. */
export function runTable(runs: readonly RunSummary[], style: Style, width: number): readonly string[] {
  const columns: readonly Column<RunSummary>[] = [
    { title: 'RUN', value: (run) => shortId(run.run_id) },
    {
      title: 'STATE',
      value: (run) => run.state.replaceAll('_', ' '),
      paint: (run, cell) => paintState(style, run.state, cell),
    },
    { title: 'MERGED', value: progress },
    { title: 'PR', value: (run) => (run.pull_request === null ? '-' : `#${run.pull_request.number}`) },
    ...(runs.some(({ cost }) => cost.calls > 0)
      ? [{ title: 'COST', value: (run: RunSummary) => shortCost(run.cost) }]
      : []),
    { title: 'PROJECT', value: (run) => fit(run.project_id, Number.isFinite(width) ? 14 : width) },
    { title: 'TITLE', value: (run) => run.title, elastic: true },
  ];
  return renderTable(runs, columns, width);
}

function taskTable(tasks: readonly TaskView[], style: Style, width: number): readonly string[] {
  const columns: readonly Column<TaskView>[] = [
    { title: 'TASK', value: (task) => task.task_id },
    {
      title: 'STATE',
      value: (task) => task.state.replaceAll('_', ' '),
      paint: (task, cell) => paintState(style, task.state, cell),
    },
    { title: 'ROUNDS', value: (task) => String(task.attempts.length) },
    { title: 'TITLE', value: (task) => task.title, elastic: true },
  ];
  return renderTable(tasks, columns, width);
}

function errorsOf(run: RunView): readonly string[] {
  const lines = (label: string, error: AppError): readonly string[] => [
    `${label}${error.code}: ${cleanLine(error.message)}`,
    ...(error.cause === null ? [] : [`  cause: ${cleanLine(error.cause)}`]),
    `  remedy: ${cleanLine(remedyFor(error, run.run_id))}`,
  ];
  const tasks = run.task_list.flatMap(({ task_id, error }) => (error === null ? [] : [{ task_id, error }]));
  // A run most often waits or fails with the error of one of its tasks, which then stands once.
  const own = run.error === null || tasks.some(({ error }) => isSame(error, run.error)) ? [] : lines('', run.error);
  const all = [...own, ...tasks.flatMap(({ task_id, error }) => lines(`${task_id}: `, error))];
  return all.length === 0 ? [] : ['', ...all];
}

function isSame(left: AppError, right: AppError | null): boolean {
  return left.code === right?.code && left.message === right.message;
}

/** What a person does next, where nothing else on the screen says it. */
function nextOf(run: RunView): readonly string[] {
  const short = shortId(run.run_id);
  if (run.approvals.length > 0) return [];
  if (needsPerson(run.state))
    return ['', `next          agentcompany resume ${short}, or agentcompany cancel ${short}`];
  if (run.state !== 'published' || run.pull_request === null) return [];
  return ['', `next          agentcompany pr show ${run.pull_request.number} --project ${run.project_id}`];
}

function approvalsOf(run: RunView): readonly string[] {
  return run.approvals.flatMap((approval) => [
    '',
    `waits for your approval: ${cleanLine(approval.summary)}`,
    ...approval.details.map((detail) => `  ${cleanText(detail)}`),
    `  agentcompany approve ${shortId(run.run_id)} [--reject] [--comment TEXT]`,
  ]);
}

function questionsOf(run: RunView, style: Style): readonly string[] {
  return run.questions.flatMap((question) => ['', ...questionLines({ run_id: run.run_id, ...question }, style)]);
}

/** One run for people: how it stands, its tasks, what is asked, what went wrong. */
export function runLines(run: RunView, style: Style, width: number): readonly string[] {
  const pullRequest =
    run.pull_request === null
      ? []
      : [
          `pull request  #${run.pull_request.number} ${cleanLine(run.pull_request.url)}`,
          `branch        ${cleanLine(run.pull_request.branch)}`,
        ];
  const cost = costLine(run);
  return [
    `run           ${run.run_id}`,
    `state         ${paintState(style, run.state, run.state.replaceAll('_', ' '))}`,
    `project       ${run.project_id}`,
    `instruction   ${fit(run.instruction, width - 14)}`,
    `created       ${run.created_at}`,
    `updated       ${run.updated_at}`,
    ...(cost === null ? [] : [`cost          ${cost}`]),
    ...pullRequest,
    ...(run.task_list.length === 0 ? [] : ['', ...taskTable(run.task_list, style, width)]),
    ...noteLines(run, width),
    ...approvalsOf(run),
    ...questionsOf(run, style),
    ...errorsOf(run),
    ...nextOf(run),
  ];
}
