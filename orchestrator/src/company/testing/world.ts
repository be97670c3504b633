import type { AppError, Effect, Envelope, Feedback, Plan } from '@agentcompany/protocol';

/** How one attempt ends; `hold` leaves it at work until the test ends it. */
export type Work = 'done' | 'hold' | 'lost' | 'dead' | AppError;
export type Ingest = 'clean' | 'dead' | { readonly protectedPaths: readonly string[] } | AppError;
export type Verdict = 'approve' | 'request_changes' | 'reject' | 'other_tree' | 'unavailable' | 'dead';
/** What the Manager says of a task that keeps failing; `stale`: a change that the plan cannot take any more. */
export type Triage = 'retry' | 'revise' | 'split' | 'person' | 'stale' | 'dead' | 'hold';
export type Merge = 'merged' | 'dead' | { readonly conflicts: readonly string[] };
export type Verification = 'green' | 'red' | 'unavailable' | 'dead' | 'hold';
export type Integration = 'same' | 'moved' | 'conflict' | 'dead' | AppError;
export type Outside = 'done' | 'dead' | 'hold' | AppError;

export interface Try {
  readonly taskId: string;
  /** 1 for the first assignment of this task. */
  readonly round: number;
  /** How often this very assignment was taken up: grows when a host dies. */
  readonly epoch: number;
  readonly feedback: Feedback | null;
}

/** What surrounds a company, as functions of what it is asked: nothing in it is left to chance. */
export interface World {
  plan(submitted: Plan | null): Plan | 'hold' | 'dead' | AppError;
  work(tried: Try): Work;
  ingest(tried: Try): Ingest;
  review(tried: Try, reviewed: number): Verdict;
  triage(tried: Try): Triage;
  merge(tried: Try): Merge;
  /** `included`: ids of the tasks merged into the commit; `nth`: 1 for its first verification. */
  verify(included: readonly string[], nth: number): Verification;
  integrate(nth: number): Integration;
  push(nth: number): Outside;
  pullRequest(nth: number, effect: Extract<Effect, { kind: 'pull_request' }>): Outside;
}

/** A world in which everything succeeds at once. */
export const kindWorld: World = {
  plan: (submitted) => submitted ?? { version: 1, title: 'none', summary: '', verify: [], tasks: [] },
  work: () => 'done',
  ingest: () => 'clean',
  review: () => 'approve',
  triage: () => 'retry',
  merge: () => 'merged',
  verify: () => 'green',
  integrate: () => 'same',
  push: () => 'done',
  pullRequest: () => 'done',
};

/** A message on its way: in `queue` until the world takes it. */
export interface Message {
  readonly queue: string;
  readonly envelope: Envelope;
  /** Times it was taken up. */
  epoch: number;
}
