import type { AppError, PayloadOf, Plan, Result, RunSettings } from '@agentcompany/protocol';
import type { StreamEntry } from '@agentcompany/agent-bus';
import type { CompanyBus } from './bus-facade.ts';
import type { AttemptView, QuestionView, RunSummary, RunView } from './company/view.ts';
import type { CompanyHome } from './company-home.ts';
import type { CallRecord } from './models/model.ts';
import type { PullRequest } from './forges/forge.ts';

export interface SubmitRequest {
  readonly projectId: string;
  readonly instruction: string;
  readonly plan: Plan | null;
  /** Makes a repeated submit the same run. */
  readonly idempotencyKey?: string;
  readonly settings?: Partial<
    Pick<
      RunSettings,
      'max_attempts' | 'max_review_rounds' | 'on_failure' | 'approvals' | 'budget_usd' | 'budget_tokens'
    >
  >;
}

/** A question of an agent, and the run it belongs to. */
export interface OpenQuestion extends QuestionView {
  readonly run_id: string;
}

/** What is to become of a run's plan: the whole plan as it is to be. */
export interface ReviseRequest {
  readonly plan: Plan;
  /** For the record. */
  readonly reason: string;
  /** Says what would change, and changes nothing. */
  readonly dryRun: boolean;
}

/** How a run's plan changes. */
export interface PlanChange {
  readonly run_id: string;
  /** Of the run, before it. */
  readonly state: string;
  readonly revision: number;
  readonly add: readonly { readonly task_id: string; readonly title: string }[];
  readonly change: readonly { readonly task_id: string; readonly title: string }[];
  /** Tasks that had started, and what takes their place. */
  readonly supersede: readonly { readonly task_id: string; readonly by: string; readonly state: string }[];
  readonly remove: readonly { readonly task_id: string; readonly state: string }[];
  /** Title, summary or checks of the whole change. */
  readonly whole: boolean;
  /** A person has to approve the plan again before anything new begins. */
  readonly asks_approval: boolean;
}

/** What a person tells whoever works on a task; without `runId` the one open run that has such a task is meant. */
export interface TellRequest {
  readonly runId?: string;
  readonly taskId: string;
  readonly note: string;
}

/** A note on record, and when it will be heard. */
export interface ToldTask {
  readonly run_id: string;
  /** The task that hears it: the successor, where the named one was superseded. */
  readonly task_id: string;
  readonly note_id: string;
  readonly state: string;
  readonly heard: string;
}

/** What a person lets a run spend. */
export type GivenBudget = Pick<PayloadOf<'run_resume'>, 'budget_usd' | 'budget_tokens'>;

/** A plan that a model made, shown before anything starts. */
export interface DraftedPlan {
  readonly plan: Plan;
  readonly calls: readonly CallRecord[];
}

/** An attempt whose log is meant: by its id, else the latest of the task, else the latest of the run. */
export interface LogChoice {
  readonly taskId?: string;
  readonly attemptId?: string;
}

/** A worker that is at work. */
export interface WorkerView extends Pick<AttemptView, 'attempt_id' | 'host_id' | 'slot' | 'state' | 'started_at'> {
  readonly run_id: string;
  readonly task_id: string;
  readonly title: string;
}

/** A worker host or an image that failed too often to be given work. Times are ISO 8601; from `until` on it is tried again. */
export interface SetAsideView {
  readonly subject: string;
  readonly host_id: string;
  readonly since: string;
  readonly until: string;
  readonly error: AppError;
}

export interface WorkersView {
  readonly workers: readonly WorkerView[];
  readonly set_aside: readonly SetAsideView[];
}

export interface DriveOptions {
  /**
   * Stops by itself once each of these runs is published, has ended, or needs attention. A run that waits for an approval is
   * waited for: the answer may come from another terminal. Without it, works until `signal` aborts.
   */
  readonly runs?: readonly string[];
  /** Serves worker hosts also where the bus does not reach beyond this machine. */
  readonly serve?: boolean;
  /** Told where worker hosts are served. */
  readonly onServing?: (address: string) => void;
  /** Told what a person should know of this machine before work begins. */
  readonly onWarning?: (warning: string) => void;
  readonly signal: AbortSignal;
}

/** Kinds of things that runs leave behind. `result`: what a vault keeps of an attempt. */
export type LeftoverKind = 'container' | 'bundle' | 'quarantine' | 'checkpoints' | 'result' | 'temporary folder';

/** Something that was removed, or would be. */
export interface CleanedItem {
  readonly kind: LeftoverKind;
  /** Container id, file or reference. */
  readonly name: string;
  /** Whose it was. */
  readonly owner: string;
  /** Bytes on disk. */
  readonly bytes: number;
  /** Why it is still there; null: it is gone, or would be. */
  readonly error: AppError | null;
}

/** A result of an attempt that is nowhere else, as far as this home knows: a person's to remove. */
export interface KeptResult {
  readonly name: string;
  readonly owner: string;
  readonly why: string;
}

export interface CleanReport {
  readonly dry_run: boolean;
  /** Then only what the ledger says has ended is removed, and vaults are not compacted. */
  readonly engine_running: boolean;
  readonly items: readonly CleanedItem[];
  readonly kept: readonly KeptResult[];
  /** What could not be looked at. */
  readonly problems: readonly AppError[];
  /** Bytes that the disk has more, or would have. */
  readonly bytes_freed: number;
}

/**
 * The company as commands and the API see it (DESIGN §2: `openCompany(home) -> Company`).
 * Reading and sending need no lock; `drive` takes the engine's.
 */
export interface Company {
  readonly home: CompanyHome;
  readonly bus: CompanyBus;
  /** Errors: `AC_PROJECT_UNKNOWN`, `AC_INSTRUCTION_EMPTY`, plan errors, `AC_MODEL_UNAVAILABLE` where there is no plan and no model. */
  submit(request: SubmitRequest): Promise<Result<{ readonly runId: string }>>;
  /**
   * Lets the model make the plan of an instruction and starts nothing. Errors: those of `submit`, of git, of the model.
   * `submit` without a plan gives those of opening the model, such as `AC_MODEL_KEY_MISSING`.
   */
  draftPlan(
    request: Pick<SubmitRequest, 'projectId' | 'instruction'>,
    signal: AbortSignal,
  ): Promise<Result<DraftedPlan>>;
  listRuns(): Promise<Result<readonly RunSummary[]>>;
  /** By id or by a prefix of it that is unique. Errors: `AC_RUN_UNKNOWN`, `AC_RUN_AMBIGUOUS`. */
  showRun(id: string): Promise<Result<RunView>>;
  /** The run's ledger entries after `after`, then as they come until `signal` aborts (`follow`), progress included. */
  timeline(
    id: string,
    options: { readonly after: number; readonly follow: boolean; readonly signal: AbortSignal },
  ): AsyncIterable<StreamEntry>;
  /** The stored container log of an attempt (the latest of the task where none is named), decoded, at most the last `maxBytes`. */
  workerLog(id: string, options: LogChoice & { readonly maxBytes: number }): Promise<Result<string>>;
  /**
   * The log of an attempt from its beginning, decoded, piece by piece as it is written, until the attempt has an end or `signal`
   * aborts; a failure is the last piece. On worker hosts elsewhere a log comes as a whole once the attempt is over.
   */
  followLog(id: string, options: LogChoice & { readonly signal: AbortSignal }): AsyncIterable<Result<string>>;
  /** Who is at work in open runs, the longest first, and which hosts and images are set aside just now (C15). */
  listWorkers(): Promise<Result<WorkersView>>;
  /** Answers the oldest open approval, or the named one. Errors: `AC_APPROVAL_NONE`, `AC_APPROVAL_EXPIRED`. */
  answerApproval(
    id: string,
    answer: { readonly approvalId?: string; readonly decision: 'approve' | 'reject'; readonly comment: string },
  ): Promise<Result<undefined>>;
  /** Open questions of the run, of all open runs where none is named, oldest first. */
  listQuestions(id?: string): Promise<Result<readonly OpenQuestion[]>>;
  /**
   * Answers a question of an agent, named by its id or a beginning of it. The agent may be waiting; else the task's next attempt finds
   * the answer. Errors: `AC_QUESTION_UNKNOWN`, `AC_QUESTION_AMBIGUOUS`, `AC_QUESTION_ANSWERED`, `AC_ANSWER_INVALID`.
   */
  answerQuestion(id: string, text: string): Promise<Result<OpenQuestion>>;
  /** Error: `AC_RUN_ENDED`. */
  cancelRun(id: string, reason: string): Promise<Result<undefined>>;
  pauseRun(id: string): Promise<Result<undefined>>;
  /**
   * Lifts a pause, and gives tasks that wait for a person another attempt. A budget that is given replaces the run's, whatever the run
   * does at the time. Error: `AC_RUN_ENDED`.
   */
  resumeRun(id: string, budget?: GivenBudget): Promise<Result<undefined>>;
  /** The plan of a run as it stands, a whole plan file. Errors: `AC_RUN_UNKNOWN`, `AC_RUN_AMBIGUOUS`, `AC_REVISION_UNTIMELY`: there is none yet. */
  currentPlan(id: string): Promise<Result<Plan>>;
  /** Changes the plan of a run that is under way, whole or not at all. Errors: `AC_REVISION_…`, those of a plan and of its agents. */
  revisePlan(id: string, request: ReviseRequest): Promise<Result<PlanChange>>;
  /**
   * Tells whoever works on a task something more. Errors: `AC_NOTE_TASK_ENDED`, `AC_NOTE_UNREAD`, `AC_NOTES_SPENT`, `AC_NOTE_INVALID`,
   * `AC_TASK_UNKNOWN`, `AC_TASK_NOWHERE`, `AC_TASK_AMBIGUOUS`.
   */
  tellTask(request: TellRequest): Promise<Result<ToldTask>>;
  /** Runs that have not ended. */
  openRuns(): Promise<Result<readonly string[]>>;
  /** Takes the engine's lock and does the work. Errors: `AC_ENGINE_RUNNING` naming the holder, those of the container engine. */
  drive(options: DriveOptions): Promise<Result<undefined>>;
  /** Pid of the process that holds the engine's lock, or null. */
  enginePid(): Promise<number | null>;
  listPullRequests(projectId?: string): Promise<Result<readonly (PullRequest & { readonly project_id: string })[]>>;
  showPullRequest(projectId: string, number: number): Promise<Result<PullRequest & { readonly diffstat: string }>>;
  mergePullRequest(projectId: string, number: number): Promise<Result<PullRequest>>;
  /** Removes what is provably this company's and finished; `dryRun` only says what. Nothing of a live attempt, no result that is nowhere else. */
  clean(options: { readonly dryRun: boolean }): Promise<Result<CleanReport>>;
  /** The whole read model as RFC 8785 JSON. */
  exportState(): Promise<Result<string>>;
  /** Throws the read model away and folds every stream again. */
  rebuildState(): Promise<Result<{ readonly runs: number }>>;
  close(): Promise<void>;
}

export type { AttemptView, CostView, QuestionView, RunSummary, RunView, TaskView } from './company/view.ts';
export type * from './bus-facade.ts';
