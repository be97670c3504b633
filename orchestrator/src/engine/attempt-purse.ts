import { failure, success, type AppError, type ModelAccount, type Result } from '@agentcompany/protocol';
import { estimate, remainingFor } from '../company/budget.ts';
import { record } from '../company/decide/draft.ts';
import type { AttemptRecord, Limits, Run } from '../company/records.ts';
import { attemptEnds } from '../company/states.ts';
import { modelErrors } from '../models/errors.ts';
import type { Amount, Called, Purse, Reservation } from '../models/purse.ts';
import type { HostParts } from './host-parts.ts';
import { mint } from './mint.ts';
import { lentSpendingFile, spendingFile } from './run-files.ts';
import { decidedAgain, lackOf, nextSlice } from './slices.ts';
import { openSpendingJournal, resumeSpending, type SpendingJournal } from './spending-journal.ts';

/** The purse of one attempt: it spends within slices of the run's budget and grants itself more as long as there is any. */
export interface AttemptPurse extends Purse {
  /** Why the last request was refused for want of money; null where the last one was not. */
  refusal(): AppError | null;
  /** Ends the spending: the requests still under way, at the most they can come to. Whoever asks for more is refused. */
  end(): ModelAccount;
  close(): Promise<void>;
}

type PurseParts = Pick<HostParts, 'bus' | 'folds' | 'folders'>;

/**
 * Opens the purse of an attempt that is on record. Every request is journalled before it is made, with or without a budget: a host
 * that dies leaves what it may have spent. Errors of `reserve`: `AC_BUDGET_…`, `AC_HOST_JOURNAL`, those of the bus.
 */
export function openAttemptPurse(parts: PurseParts, runId: string, attemptId: string): AttemptPurse {
  return new Slices(parts, runId, attemptId, spendingFile(parts.folders, runId, attemptId));
}

/**
 * The purse, kept on this machine, of an attempt that is carried out on another one. It goes on where the engine before this one left
 * off: what its slices have paid for is not paid for again.
 */
export function openLentPurse(parts: PurseParts, runId: string, attemptId: string): AttemptPurse {
  return new Slices(parts, runId, attemptId, lentSpendingFile(parts.folders, runId, attemptId));
}

interface UnderWay {
  readonly called: Called;
  readonly bound: Amount;
}

const unnamed: Called = { provider: 'unknown', model: 'unknown' };

class Slices implements AttemptPurse {
  readonly #parts: PurseParts;
  readonly #runId: string;
  readonly #attemptId: string;
  readonly #journal: SpendingJournal;
  readonly #underWay = new Map<number, UnderWay>();
  #calls = 0;
  #spent: Amount & { readonly usd: number } = { usd: 0, tokens: 0 };
  /** As last seen on record. */
  #granted: Limits | null = null;
  #refusal: AppError | null = null;
  #hasEnded = false;
  #turn: Promise<unknown>;

  constructor(parts: PurseParts, runId: string, attemptId: string, file: string) {
    this.#parts = parts;
    this.#runId = runId;
    this.#attemptId = attemptId;
    this.#journal = openSpendingJournal(file, attemptId);
    this.#turn = resumeSpending(file).then(({ spent, calls }) => {
      this.#spent = spent;
      this.#calls = calls;
    });
  }

  /** One after the other: each counts what those before it set aside. */
  reserve(bound: Amount, called: Called = unnamed): Promise<Result<Reservation>> {
    const reserved = this.#turn.then(() => this.#reserve(bound, called));
    this.#turn = reserved.catch(() => undefined);
    return reserved;
  }

  refusal(): AppError | null {
    return this.#refusal;
  }

  end(): ModelAccount {
    this.#hasEnded = true;
    return [...this.#underWay.values()].map(({ called, bound }) => estimate(called, bound));
  }

  close(): Promise<void> {
    return this.#journal.close();
  }

  async #reserve(bound: Amount, called: Called): Promise<Result<Reservation>> {
    const allowed = this.#hasEnded ? this.#over() : await this.#allow(bound, called);
    this.#refusal = allowed.ok || !allowed.error.code.startsWith('AC_BUDGET_') ? null : allowed.error;
    if (!allowed.ok) return allowed;
    const call = (this.#calls += 1);
    this.#underWay.set(call, { called, bound });
    const begun = await this.#journal.begin(call, called, bound);
    if (!begun.ok) {
      this.#underWay.delete(call);
      return begun;
    }
    // Ended meanwhile: it counts as under way, and is not made.
    if (this.#hasEnded) return this.#over();
    return success({ settle: (cost) => this.#settle(call, cost) });
  }

  #settle(call: number, cost: Amount): void {
    const open = this.#underWay.get(call);
    if (open === undefined) return;
    this.#underWay.delete(call);
    this.#spent = { usd: this.#spent.usd + (cost.usd ?? 0), tokens: this.#spent.tokens + cost.tokens };
    this.#journal.end(call, cost);
  }

  /** Spent, and set aside for what is under way. */
  #committed(): Amount & { readonly usd: number } {
    let { usd, tokens } = this.#spent;
    for (const { bound } of this.#underWay.values()) {
      usd += bound.usd ?? 0;
      tokens += bound.tokens;
    }
    return { usd, tokens };
  }

  /** The attempt has settled: no request is its any more. */
  #over(): Result<never> {
    return failure(modelErrors.AC_MODEL_ABORTED());
  }

  /** Within the slices there are, or with one more that the run's stream takes while it stands where this was decided. */
  async #allow(bound: Amount, called: Called): Promise<Result<undefined>> {
    const committed = this.#committed();
    if (this.#granted !== null && isEnough(this.#granted, committed, bound)) return success();
    for (;;) {
      const refreshed = await this.#parts.folds.refresh(this.#runId);
      if (!refreshed.ok) return refreshed;
      const run = refreshed.value;
      const attempt = run?.attempts.get(this.#attemptId);
      if (run === null || attempt === undefined || attemptEnds.has(attempt.state) || attempt.account !== null)
        return this.#over();
      this.#granted = attempt.granted;
      const { version } = run;
      const slice = sliceFor(run, attempt, committed, bound, called);
      if (!slice.ok) return slice;
      if (slice.value === null) return success();
      const sent = await this.#grant(attempt, slice.value, version);
      if (!sent.ok && !decidedAgain.has(sent.error.code)) return sent;
    }
  }

  async #grant({ grants, taskId }: AttemptRecord, slice: Limits, version: number): Promise<Result<unknown>> {
    const about = { taskId, attemptId: this.#attemptId };
    const draft = record('budget_grant', { attempt_id: this.#attemptId, ...slice }, about);
    const cause = `grant ${grants + 1} of ${this.#attemptId} at ${version}`;
    const items = await mint([draft], { sender: 'workers', runId: this.#runId, cause, inReplyTo: null });
    return this.#parts.bus.send(items, { expect: { stream: this.#runId, version } });
  }
}

/** Whether slices that are limited cover one more request. What is not limited may have become so: the stream is asked. */
function isEnough(granted: Limits, committed: Amount, bound: Amount): boolean {
  if (granted.usd !== null && bound.usd === null && granted.tokens === null) return false;
  const lack = lackOf(granted, committed, bound);
  return lack.usd === 0 && lack.tokens === 0;
}

/** The slice that one more request needs; null: none. Errors: `AC_BUDGET_…`. */
function sliceFor(
  run: Run,
  attempt: AttemptRecord,
  committed: Amount,
  bound: Amount,
  { model }: Called,
): Result<Limits | null> {
  const { run: left, taskUsd } = remainingFor(run, attempt);
  const isTasks = taskUsd !== null && (left.usd === null || taskUsd < left.usd);
  const free: Limits = { ...left, usd: isTasks ? taskUsd : left.usd };
  if (free.usd !== null && free.tokens === null && bound.usd === null)
    return failure(modelErrors.AC_BUDGET_UNPRICED({ run: run.id, model }));
  const slice = nextSlice(free, attempt.granted, committed, bound);
  if (slice === null || typeof slice === 'object') return success(slice);
  const amount = slice === 'usd' ? `$${Math.max(0, free.usd ?? 0).toFixed(4)}` : `${free.tokens ?? 0} tokens`;
  return failure(
    slice === 'usd' && isTasks
      ? modelErrors.AC_BUDGET_TASK_SPENT({ task: attempt.taskId, left: amount })
      : modelErrors.AC_BUDGET_SPENT({ run: run.id, left: amount }),
  );
}
