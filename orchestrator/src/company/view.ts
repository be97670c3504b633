import type { AppError, ModelAccount, PayloadOf, PullRequestRef, RunSettings } from '@agentcompany/protocol';
import { openApprovals } from './approvals.ts';
import { openQuestions } from './questions.ts';
import type { AttemptRecord, Limits, QuestionRecord, Run, TaskRecord } from './records.ts';
import { costOfAccount } from './sum-calls.ts';

/** What models took. Calls under way, and those of attempts under way, are not in it yet. */
export interface CostView {
  /** US dollars of the calls that have a price. */
  readonly usd: number;
  readonly unpriced_calls: number;
  readonly tokens: number;
  readonly calls: number;
  /** Some of it is the most that it can have come to. */
  readonly estimated: boolean;
}

/** One line of `runs list` and of `status`. */
export interface RunSummary {
  readonly run_id: string;
  readonly project_id: string;
  readonly title: string;
  readonly state: string;
  readonly created_at: string;
  readonly updated_at: string;
  /** Number of tasks in each state that has any; superseded ones left out. */
  readonly tasks: Readonly<Record<string, number>>;
  readonly error: AppError | null;
  readonly pull_request: PullRequestRef | null;
  readonly cost: CostView;
}

export interface AttemptView {
  readonly attempt_id: string;
  readonly round: number;
  readonly state: string;
  /** The process that carries it out, and its slot `worker-NNN` there. */
  readonly host_id: string;
  readonly slot: string;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly error: AppError | null;
  /** Null: nothing is known of it yet. */
  readonly cost: CostView | null;
}

/** What a person told whoever works on a task. */
export interface NoteView {
  readonly note_id: string;
  readonly text: string;
  readonly by: string;
  readonly at: string;
}

export interface TaskView {
  readonly task_id: string;
  readonly title: string;
  readonly state: string;
  readonly depends_on: readonly string[];
  readonly superseded_by: string | null;
  readonly error: AppError | null;
  readonly attempts: readonly AttemptView[];
  /** Oldest first. */
  readonly notes: readonly NoteView[];
}

/** What an agent asks a person and nobody has answered. Its text is the agent's: show it as such. */
export interface QuestionView {
  readonly question_id: string;
  readonly task_id: string;
  readonly attempt_id: string;
  readonly question: string;
  readonly options: readonly string[];
  readonly asked_at: string;
}

export interface RunView extends RunSummary {
  readonly instruction: string;
  readonly settings: RunSettings;
  /** What it may spend: the settings' budget, until a person changed it. */
  readonly budget: Limits;
  readonly base_oid: string | null;
  readonly tip_oid: string | null;
  /** Images that its containers are made from, by the names that stood for them. */
  readonly images: readonly { readonly reference: string; readonly id: string }[];
  readonly plan_hash: string | null;
  /** 1: as it was made; 0: there is none yet. */
  readonly plan_revision: number;
  readonly task_list: readonly TaskView[];
  /** What waits for a person's approval. */
  readonly approvals: readonly PayloadOf<'approval_request'>[];
  /** Open questions of agents, oldest first. */
  readonly questions: readonly QuestionView[];
}

/** A run as a reader sees it: a function of its folded state alone, so that a rebuilt read model is byte-equal. */
export function viewOf(run: Run): RunView {
  const attempts = Map.groupBy(run.attempts.values(), (attempt) => attempt.taskId);
  return {
    ...summaryOf(run),
    instruction: run.instruction,
    settings: run.settings,
    budget: run.budget,
    base_oid: run.baseOid,
    tip_oid: run.tipOid,
    images: [...run.images].map(([key, id]) => ({ reference: key.slice(key.indexOf(' ') + 1), id })),
    plan_hash: run.planHash,
    plan_revision: run.revision,
    task_list: [...run.tasks.values()].map((task) => taskView(task, attempts.get(task.spec.id) ?? [])),
    approvals: openApprovals(run).map(({ request }) => request),
    questions: openQuestions(run).map(questionView),
  };
}

/** The short form of `viewOf`. */
function summaryOf(run: Run): RunSummary {
  const counts: Record<string, number> = {};
  for (const task of run.tasks.values()) {
    if (task.supersededBy === null) counts[task.state] = (counts[task.state] ?? 0) + 1;
  }
  return {
    run_id: run.id,
    project_id: run.projectId,
    title: run.plan?.title ?? run.submittedPlan?.title ?? run.instruction.slice(0, 200),
    state: run.state,
    created_at: run.createdAt,
    updated_at: run.updatedAt,
    tasks: counts,
    error: run.error,
    pull_request: run.pullRequest,
    cost: costView(run.spent),
  };
}

function taskView(task: TaskRecord, attempts: readonly AttemptRecord[]): TaskView {
  return {
    task_id: task.spec.id,
    title: task.spec.title,
    state: task.state,
    depends_on: task.spec.depends_on,
    superseded_by: task.supersededBy,
    error: task.error,
    attempts: attempts.map(attemptView),
    notes: task.notes.map(({ id, text, by, at }) => ({ note_id: id, text, by, at })),
  };
}

function attemptView(attempt: AttemptRecord): AttemptView {
  return {
    attempt_id: attempt.id,
    round: attempt.round,
    state: attempt.state,
    host_id: attempt.hostId,
    slot: attempt.slot,
    started_at: attempt.startedAt,
    ended_at: attempt.endedAt,
    error: attempt.error,
    cost: attempt.account === null ? null : costView(attempt.account),
  };
}

function questionView({ asked, taskId, askedAt }: QuestionRecord): QuestionView {
  const { question_id, attempt_id, question, options } = asked;
  return { question_id, task_id: taskId, attempt_id, question, options, asked_at: askedAt };
}

/** An account for readers. */
export function costView(account: ModelAccount): CostView {
  const { usd, unpricedCalls, tokens, estimated } = costOfAccount(account);
  const calls = account.reduce((sum, line) => sum + line.calls, 0);
  return { usd, unpriced_calls: unpricedCalls, tokens, calls, estimated };
}
