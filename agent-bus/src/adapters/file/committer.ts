import { failure, success, type AppError, type Result } from '@agentcompany/protocol';
import type { DurableStepHook } from '../../bus-options.ts';
import type { DiskReserve } from '../../disk-reserve.ts';
import { busErrors } from '../../errors.ts';
import type { Journal } from './journal.ts';
import type { Lock } from './lock.ts';
import type { Step } from './step.ts';
import type { Plan } from './steps.ts';
import { isFatal, isFull, storageError } from './storage-error.ts';

/** `intake` and `durable` are answered after an fsync, and intake is refused first when the disk is full; the loss of a `volatile` one in a power failure only redelivers (leases). */
export type Kind = 'intake' | 'durable' | 'volatile';

interface Waiting {
  readonly kind: Kind;
  readonly since: number;
  /** Stages what the call writes; true where that must be fsynced. */
  readonly perform: () => boolean;
  readonly answer: () => void;
  readonly refuse: (error: AppError) => void;
  readonly crash: (thrown: unknown) => void;
}

export interface CommitterOptions {
  readonly journal: Journal;
  readonly lock: Lock;
  readonly reserve: DiskReserve;
  readonly onDurableStep: DurableStepHook;
  /** Called with each step before it is written. */
  readonly onStaged: (step: Step) => void;
  /** Called when a step is visible to all, before its callers are answered. */
  readonly onCommitted: () => void;
  /** Called once when the store can no longer be trusted. */
  readonly onFatal: (error: AppError) => void;
  /** How long a call waits for another process's lock, in milliseconds. */
  readonly busyLimit: number;
}

/**
 * Group commit: the calls that wait in one turn of the event loop share one lock, one write and one fsync. Each is planned before anything
 * of it is staged: a refused one takes nothing else with it.
 */
export class Committer {
  readonly #options: CommitterOptions;
  #waiting: Waiting[] = [];
  #scheduled: NodeJS.Immediate | NodeJS.Timeout | null = null;
  #refusal: AppError | null = null;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** Does `work` in the next step; resolves when it is committed. */
  run<Value>(kind: Kind, work: () => Plan<Value>): Promise<Result<Value>> {
    if (this.#refusal !== null) return Promise.resolve(failure(this.#refusal));
    return new Promise((resolve, reject) => {
      let result: Result<Value> | null = null;
      this.#waiting.push({
        kind,
        since: performance.now(),
        perform: () => {
          const plan = work();
          result = plan.result;
          if (plan.step === undefined) return false;
          this.#options.journal.stage(plan.step, plan.bodies ?? []);
          this.#options.onStaged(plan.step);
          // A claim that buries writes envelopes: they are durable before anyone hears of them.
          return kind !== 'volatile' || plan.step.entries !== undefined;
        },
        answer: () => {
          if (result !== null) resolve(result);
        },
        refuse: (error) => resolve(failure(error)),
        crash: reject,
      });
      this.#schedule(0);
    });
  }

  /** Why nothing is taken any more; null while open. */
  get refusal(): AppError | null {
    return this.#refusal;
  }

  /** Does `work` under the lock with everything folded and nothing staged. */
  async exclusively(work: () => void): Promise<Result<undefined>> {
    const { lock, journal, busyLimit } = this.#options;
    const deadline = performance.now() + busyLimit;
    while (this.#refusal === null) {
      try {
        const done = this.#locked(() => {
          journal.catchUp();
          work();
          return true;
        });
        if (done === true) return success();
      } catch (thrown) {
        return this.#refuse(thrown);
      }
      if (performance.now() > deadline)
        return failure(busErrors.AC_BUS_BUSY({ file: lock.file, milliseconds: busyLimit }));
      await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 4));
    }
    return failure(this.#refusal);
  }

  /** Commits what waits, as far as the lock is free, and refuses the rest and what comes later with `refusal`. */
  close(refusal: AppError): void {
    if (this.#refusal !== null) return;
    this.#refusal = refusal;
    this.#step();
    if (this.#scheduled !== null) clearTimeout(this.#scheduled as NodeJS.Timeout);
    for (const call of this.#waiting.splice(0)) call.refuse(refusal);
  }

  #schedule(delay: number): void {
    if (this.#scheduled !== null) return;
    const start = (): void => {
      this.#scheduled = null;
      this.#step();
    };
    this.#scheduled = delay === 0 ? setImmediate(start) : setTimeout(start, delay);
  }

  #step(): void {
    const calls = this.#waiting;
    this.#waiting = [];
    if (calls.length === 0) return;
    try {
      const done = this.#locked(() => this.#commit(calls));
      if (done === null) this.#postpone(calls);
      else for (const call of done) call.answer();
    } catch (thrown) {
      this.#fail(calls, thrown);
    }
  }

  /** Does `work` under the lock; null while another process holds it. What `work` throws is thrown when the lock is free again. */
  #locked<Value>(work: () => Value): Value | null {
    const { lock } = this.#options;
    if (!lock.acquire()) return null;
    try {
      return work();
    } finally {
      lock.release();
    }
  }

  /** What was done. Where the disk is full it is tried once more on the reserve, without what would bring new work. */
  #commit(calls: readonly Waiting[]): readonly Waiting[] {
    const { reserve } = this.#options;
    const admitted = calls.some(({ kind }) => kind === 'intake') ? reserve.admit() : null;
    const refused = admitted?.ok === false ? calls.filter(({ kind }) => kind === 'intake') : [];
    const taken = refused.length === 0 ? calls : calls.filter((call) => !refused.includes(call));
    if (admitted?.ok === false) for (const call of refused) call.refuse(admitted.error);
    try {
      return this.#commitOnce(taken);
    } catch (thrown) {
      if (!isFull(thrown) || !reserve.spend()) throw thrown;
      const full = storageError(thrown, this.#options.journal.file);
      for (const call of taken) if (call.kind === 'intake' && full !== null) call.refuse(full);
      return this.#commitOnce(taken.filter(({ kind }) => kind !== 'intake'));
    }
  }

  #commitOnce(calls: readonly Waiting[]): readonly Waiting[] {
    const { journal, onDurableStep } = this.#options;
    try {
      journal.catchUp();
      const { done, durable } = this.#perform(calls);
      if (!journal.hasStaged) return done;
      journal.write();
      if (durable) onDurableStep('bus:before');
      if (durable) journal.sync();
      journal.publish();
      if (durable) onDurableStep('bus:after');
      this.#options.onCommitted();
      return done;
    } catch (thrown) {
      journal.discard();
      throw thrown;
    }
  }

  #perform(calls: readonly Waiting[]): { readonly done: readonly Waiting[]; readonly durable: boolean } {
    const done: Waiting[] = [];
    let durable = false;
    for (const call of calls) {
      try {
        durable = call.perform() || durable;
        done.push(call);
      } catch (thrown) {
        if (storageError(thrown, this.#options.journal.file) !== null) throw thrown;
        this.#options.journal.distrust();
        call.crash(thrown);
      }
    }
    return { done, durable };
  }

  /** Another process has the lock: those that have waited too long are refused, the others try again a little later. */
  #postpone(calls: readonly Waiting[]): void {
    const { busyLimit, lock } = this.#options;
    const oldest = performance.now() - busyLimit;
    this.#waiting = [...calls.filter((call) => call.since >= oldest), ...this.#waiting];
    const error = busErrors.AC_BUS_BUSY({ file: lock.file, milliseconds: busyLimit });
    for (const call of calls) if (call.since < oldest) call.refuse(error);
    if (this.#waiting.length > 0 && this.#refusal === null) this.#schedule(1 + Math.random() * 4);
  }

  #refuse(thrown: unknown): Result<never> {
    const error = storageError(thrown, this.#options.journal.file);
    if (error === null) throw thrown;
    if (isFatal(error)) this.#fail([], thrown);
    return failure(error);
  }

  /** Nothing of the step is answered as done. What was thrown by no store is a bug: it reaches the callers as an exception. */
  #fail(calls: readonly Waiting[], thrown: unknown): void {
    const error = storageError(thrown, this.#options.journal.file);
    if (error === null) {
      for (const call of calls) call.crash(thrown);
      return;
    }
    const fatal = isFatal(error);
    for (const call of fatal ? [...calls, ...this.#waiting.splice(0)] : calls) call.refuse(error);
    if (!fatal) return;
    this.#refusal = error;
    this.#options.onFatal(error);
  }
}
