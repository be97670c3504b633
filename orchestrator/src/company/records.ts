import type {
  AppError,
  CommandReport,
  Effect,
  EffectOutcome,
  Feedback,
  IngestedCommit,
  ModelAccount,
  PayloadOf,
  Plan,
  PullRequestRef,
  RunSettings,
  Task,
  WorkResult,
} from '@agentcompany/protocol';
import type { AttemptState, RunState, TaskState } from './states.ts';
import type { WatchRecord } from './watch.ts';

/** US dollars and tokens that models may take; null: no limit of that kind. */
export interface Limits {
  readonly usd: number | null;
  readonly tokens: number | null;
}

/** One try of one task in one container. */
export interface AttemptRecord {
  readonly id: string;
  readonly taskId: string;
  readonly assignmentId: string;
  readonly round: number;
  readonly epoch: number;
  readonly hostId: string;
  readonly slot: string;
  readonly baseOid: string;
  readonly startedAt: string;
  state: AttemptState;
  endedAt: string | null;
  result: WorkResult | null;
  /** What a failed attempt reported of its checks: the next one is told. */
  failedChecks: readonly CommandReport[];
  ingested: IngestedCommit | null;
  review: PayloadOf<'review_response'> | null;
  error: AppError | null;
  /** The slices of the budget it has had, together; null: none. */
  granted: Limits | null;
  /** How many slices. */
  grants: number;
  /** What its models took; null: it has not settled. */
  account: ModelAccount | null;
  /** What is known of it where it shows no progress. */
  readonly watch: WatchRecord;
  /** A person asked for another try since: it does not count against the task's own budget. */
  forgiven: boolean;
}

/** What a person told whoever works on a task. */
export interface NoteRecord {
  /** The id of its envelope. */
  readonly id: string;
  readonly text: string;
  readonly by: string;
  readonly at: string;
}

/** What the Manager is asked about a task that keeps failing. */
export interface TriageRecord {
  /** The attempt that failed last. */
  readonly attemptId: string;
  readonly failures: number;
  readonly error: AppError;
  answer: PayloadOf<'triage_response'> | null;
}

export interface TaskRecord {
  /** Changes by a revision of the plan, as long as the task has not started. */
  spec: Task;
  /** Place in the plan, revisions after it: gives every list its order. */
  readonly index: number;
  /** The revision of the plan that it is from, or was changed by last. */
  revision: number;
  /** How often this piece of work was superseded after a conflict: at most twice (C23). */
  readonly conflictRounds: number;
  state: TaskState;
  /** Assignments so far. */
  rounds: number;
  /** Attempts that ended rejected by their own or ingest's failure since the last word of a person. */
  failures: number;
  /** Reviews that asked for changes. */
  reviewRounds: number;
  feedback: Feedback | null;
  assignmentId: string | null;
  attemptId: string | null;
  approvalId: string | null;
  conflicts: readonly string[] | null;
  supersededBy: string | null;
  /** A person asked for another attempt. */
  retryWanted: boolean;
  /** Oldest first. */
  notes: readonly NoteRecord[];
  /** What the Manager was asked last; null: nothing since the task last went on. */
  triage: TriageRecord | null;
  /** How often it was asked about this piece of work, the tasks it supersedes included, since the last word of a person. */
  triages: number;
  error: AppError | null;
}

export interface ApprovalRecord {
  readonly request: PayloadOf<'approval_request'>;
  response: PayloadOf<'approval_response'> | null;
  /** What was asked about has moved on without an answer. */
  closed: boolean;
}

/** What an agent asked a person. */
export interface QuestionRecord {
  readonly asked: PayloadOf<'question'>;
  readonly taskId: string;
  readonly askedAt: string;
  /** A person's, the first that came. */
  answer: { readonly text: string; readonly by: string } | null;
}

export interface EffectRecord {
  readonly effect: Effect;
  outcome: EffectOutcome | null;
  error: AppError | null;
  done: boolean;
}

export interface VerificationRecord {
  readonly outcomes: PayloadOf<'verify_result'>[];
}

export interface MergeRecord {
  /** Null for a merge of the base branch. */
  readonly taskId: string | null;
  readonly tip: string;
}

/** The folded state of one run: nothing in it comes from anywhere but its stream. */
export interface Run {
  readonly id: string;
  readonly projectId: string;
  readonly instruction: string;
  /** The plan came with the instruction: it is a person's. */
  readonly isPlanGiven: boolean;
  /** The plan that came with the instruction, until there is the one that is carried out: a large one need not be kept twice. */
  submittedPlan: Plan | null;
  /** As promised at the start, and the agents that revisions of the plan brought. */
  settings: RunSettings;
  /** The settings' budget until a person changes it. */
  budget: Limits;
  /** Settled by attempts, and calls of the agents on the host. */
  spent: ModelAccount;
  /** What is set aside for requests of the company's own agents that are under way, by an id of the request. */
  readonly reservations: Map<string, Limits>;
  /** Planning and reviews whose requests settle by themselves. */
  readonly settlingWorks: Set<string>;
  readonly createdAt: string;
  /** Entries folded so far. */
  version: number;
  /** `created_at` of the last entry: the only clock decisions know. */
  updatedAt: string;
  state: RunState;
  /** Where a pause or a stop for attention returns to. */
  returnsTo: RunState;
  plan: Plan | null;
  planHash: string | null;
  planApprovalId: string | null;
  revision: number;
  /** A person has yet to approve how the plan was changed while the run was at work. */
  revisionUnapproved: boolean;
  baseOid: string | null;
  tipOid: string | null;
  /** Set when failed tasks are left out of what is published (`on_failure: partial`). */
  partial: boolean;
  readonly tasks: Map<string, TaskRecord>;
  readonly dependants: Map<string, string[]>;
  readonly counts: Record<TaskState, number>;
  readonly attempts: Map<string, AttemptRecord>;
  /** Ids of images by `imagePinKey`: what the first attempt that needed one put on record. */
  readonly images: Map<string, string>;
  readonly approvals: Map<string, ApprovalRecord>;
  /** By `question_id`, oldest first. */
  readonly questions: Map<string, QuestionRecord>;
  readonly effects: Map<string, EffectRecord>;
  readonly verifications: Map<string, VerificationRecord>;
  readonly merges: MergeRecord[];
  /** Integrations requested so far. */
  integrations: number;
  /** Integrations that found the base branch moved, since a person last asked for another try. */
  baseMoves: number;
  /** Tasks reopened after a red verification, since a person last asked for another try. */
  reopenings: number;
  pullRequest: PullRequestRef | null;
  /** How the pull request ended where that came on record before the run counted as published. */
  completion: PayloadOf<'run_complete'> | null;
  error: AppError | null;
  /** Envelopes that no table allowed: recorded, without effect. */
  refused: number;
  /** Tasks that changed since the engine last decided. */
  readonly agenda: Set<string>;
}
