import { failure, type AppError, type Result } from '@agentcompany/protocol';
import type Database from 'better-sqlite3';
import { busErrors } from '../../errors.ts';
import type { DurableStepHook } from '../../bus-options.ts';
import type { DiskReserve } from '../../disk-reserve.ts';
import { isBusy, isFatal, storageError } from './storage-error.ts';

/**
 * `intake`: new work, durable, refused first when the disk fills up. `durable`: answered after an fsync. `volatile`: its loss in a power
 * failure only redelivers (leases).
 */
export type Durability = 'intake' | 'durable' | 'volatile';
/** What a volatile call answers when it finds that it must write something durable: it is undone and done again in a durable step. */
export const needsDurability: unique symbol = Symbol('needs durability');
type Work<Value> = () => Result<Value> | typeof needsDurability;

interface Waiting {
  durability: Durability;
  readonly since: number;
  /** Does the work inside the open transaction: `undo` takes back what it wrote, `again` also repeats it durably. */
  readonly perform: () => 'keep' | 'undo' | 'again';
  readonly answer: () => void;
  readonly refuse: (error: AppError) => void;
  readonly crash: (thrown: unknown) => void;
}

export interface CommitterOptions {
  readonly database: Database.Database;
  readonly reserve: DiskReserve;
  readonly onDurableStep: DurableStepHook;
  /** Called when a step begins and whenever a call is undone: what was read before no longer holds. */
  readonly onRewind: () => void;
  /** Called when a durable step is about to be committed. */
  readonly onCommitting: () => void;
  /** Called when a step is visible to all, before its callers are answered. */
  readonly onCommitted: () => void;
  /** Called once when the store can no longer be trusted. */
  readonly onFatal: (error: AppError) => void;
  /** How long a call waits for another process's lock, in milliseconds. */
  readonly busyLimit: number;
}

/**
 * Group commit: the calls that wait in one turn of the event loop share one BEGIN IMMEDIATE and one fsync, each behind a savepoint of its own
 * so that a refused one takes nothing else with it.
 */
export class Committer {
  readonly #options: CommitterOptions;
  readonly #file: string;
  readonly #statements: Readonly<
    Record<'begin' | 'commit' | 'rollback' | 'save' | 'keep' | 'undo', Database.Statement<[]>>
  >;
  readonly #changes: Database.Statement<[], number>;
  #waiting: Waiting[] = [];
  #scheduled = false;
  #synchronous: 'FULL' | 'NORMAL' = 'FULL';
  #refusal: AppError | null = null;

  constructor(options: CommitterOptions) {
    this.#options = options;
    const { database } = options;
    this.#file = database.name;
    this.#statements = {
      begin: database.prepare('BEGIN IMMEDIATE'),
      commit: database.prepare('COMMIT'),
      rollback: database.prepare('ROLLBACK'),
      save: database.prepare('SAVEPOINT call'),
      keep: database.prepare('RELEASE call'),
      undo: database.prepare('ROLLBACK TO call'),
    };
    this.#changes = database.prepare<[], number>('SELECT total_changes()').pluck();
  }

  /** Does `work` in the next step; resolves when the step is committed with this durability. A failure that `work` returns undoes only its own writes. */
  run<Value>(durability: Durability, work: Work<Value>): Promise<Result<Value>> {
    if (this.#refusal !== null) return Promise.resolve(failure(this.#refusal));
    return new Promise((resolve, reject) => {
      let result: Result<Value> | null = null;
      this.#waiting.push({
        durability,
        since: performance.now(),
        perform: () => {
          const outcome = work();
          if (outcome === needsDurability) return 'again';
          result = outcome;
          return outcome.ok ? 'keep' : 'undo';
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

  /** Commits what waits and refuses what comes later with `refusal`. */
  close(refusal: AppError): void {
    if (this.#refusal !== null) return;
    this.#refusal = refusal;
    while (this.#waiting.length > 0) this.#step();
  }

  #schedule(delay: number): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const start = (): void => {
      this.#scheduled = false;
      this.#step();
    };
    if (delay === 0) setImmediate(start);
    else setTimeout(start, delay);
  }

  #step(): void {
    const calls = this.#admit(this.#waiting);
    this.#waiting = [];
    if (calls.length > 0 && this.#begin(calls)) this.#commit(calls);
    if (this.#waiting.length > 0) this.#schedule(0);
  }

  /** Without new work while the room for ending the old is spent. */
  #admit(calls: Waiting[]): Waiting[] {
    if (!calls.some(isIntake)) return calls;
    const admitted = this.#options.reserve.admit();
    if (admitted.ok) return calls;
    for (const call of calls.filter(isIntake)) call.refuse(admitted.error);
    return calls.filter((call) => !isIntake(call));
  }

  #commit(calls: readonly Waiting[]): void {
    try {
      this.#options.onRewind();
      const before = this.#changes.get();
      const done = this.#performAll(calls);
      const durable = this.#synchronous === 'FULL' && this.#changes.get() !== before;
      if (durable) this.#options.onDurableStep('bus:before');
      if (durable) this.#options.onCommitting();
      this.#statements.commit.run();
      if (durable) this.#options.onDurableStep('bus:after');
      this.#options.onCommitted();
      for (const call of done) call.answer();
    } catch (thrown) {
      this.#fail(calls, thrown);
    }
  }

  #begin(calls: readonly Waiting[]): boolean {
    try {
      this.#setSynchronous(calls.every((call) => call.durability === 'volatile') ? 'NORMAL' : 'FULL');
      this.#statements.begin.run();
      return true;
    } catch (thrown) {
      if (isBusy(thrown) && this.#refusal === null) this.#postpone(calls);
      else this.#fail(calls, thrown);
      return false;
    }
  }

  /** Another process has the lock: those that have waited too long are refused, the others try again a little later. */
  #postpone(calls: readonly Waiting[]): void {
    const { busyLimit } = this.#options;
    const oldest = performance.now() - busyLimit;
    const refused = calls.filter((call) => call.since < oldest);
    this.#waiting = [...calls.filter((call) => call.since >= oldest), ...this.#waiting];
    for (const call of refused) call.refuse(busErrors.AC_BUS_BUSY({ file: this.#file, milliseconds: busyLimit }));
    if (this.#waiting.length > 0) this.#schedule(1 + Math.random() * 9);
  }

  /** The pragma is refused inside a transaction, hence before it. */
  #setSynchronous(synchronous: 'FULL' | 'NORMAL'): void {
    if (this.#synchronous === synchronous) return;
    this.#options.database.exec(`PRAGMA synchronous = ${synchronous}`);
    this.#synchronous = synchronous;
  }

  #performAll(calls: readonly Waiting[]): Waiting[] {
    const done: Waiting[] = [];
    for (const call of calls) {
      this.#statements.save.run();
      const outcome = this.#perform(call);
      if (outcome !== 'keep') {
        this.#statements.undo.run();
        this.#options.onRewind();
      }
      this.#statements.keep.run();
      if (outcome === 'again') this.#waiting.push(Object.assign(call, { durability: 'durable' }));
      else if (outcome !== 'crashed') done.push(call);
    }
    return done;
  }

  #perform(call: Waiting): 'keep' | 'undo' | 'again' | 'crashed' {
    try {
      return call.perform();
    } catch (thrown) {
      if (storageError(thrown, this.#file) !== null) throw thrown;
      call.crash(thrown);
      return 'crashed';
    }
  }

  /** A disk that failed may refuse this too; the connection is then given up anyway. */
  #rollBack(): void {
    try {
      if (this.#options.database.inTransaction) this.#statements.rollback.run();
    } catch (thrown) {
      if (storageError(thrown, this.#file) === null) throw thrown;
    }
  }

  /** Nothing of the step is answered as done. What was thrown by no store is a bug: it reaches the callers as an exception. */
  #fail(calls: readonly Waiting[], thrown: unknown): void {
    this.#rollBack();
    this.#waiting = this.#waiting.filter((call) => !calls.includes(call));
    const error = storageError(thrown, this.#file);
    if (error === null) {
      for (const call of calls) call.crash(thrown);
      return;
    }
    if (error.code === 'AC_BUS_FULL') {
      this.#makeRoom(calls, error);
      return;
    }
    if (isFatal(error)) this.#giveUp(calls, error);
    else for (const call of calls) call.refuse(error);
  }

  #giveUp(calls: readonly Waiting[], error: AppError): void {
    const refused = [...calls, ...this.#waiting];
    this.#waiting = [];
    this.#refusal = error;
    for (const call of refused) call.refuse(error);
    this.#options.onFatal(error);
  }

  /** New work is refused. The rest goes on without it; where there was none, out of the reserve. */
  #makeRoom(calls: readonly Waiting[], full: AppError): void {
    const rest = calls.filter((call) => !isIntake(call));
    for (const call of calls.filter(isIntake)) call.refuse(full);
    const spent = rest.length === calls.length && this.#options.reserve.spend();
    const error = spent ? this.#shortenLog() : null;
    if (error !== null && isFatal(error)) this.#giveUp(rest, error);
    else if (spent || rest.length < calls.length) this.#waiting = [...rest, ...this.#waiting];
    else for (const call of rest) call.refuse(full);
  }

  /** Moves what the log holds into the file: the log is then written from its start again instead of growing. */
  #shortenLog(): AppError | null {
    try {
      this.#options.database.pragma('wal_checkpoint(PASSIVE)');
      return null;
    } catch (thrown) {
      const error = storageError(thrown, this.#file);
      if (error === null) throw thrown;
      return error;
    }
  }
}

function isIntake(call: Waiting): boolean {
  return call.durability === 'intake';
}
