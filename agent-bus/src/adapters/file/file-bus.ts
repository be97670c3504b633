import { failure, success, type AppError, type BusRecord, type Result } from '@agentcompany/protocol';
import type {
  AgentBus,
  BusCapabilities,
  CompleteOptions,
  Completion,
  DeadLetter,
  Delivery,
  DeliveryStatus,
  OutgoingItem,
  QueueStatistics,
  ReceiveOptions,
  Receipt,
  StreamEntry,
} from '../../bus.ts';
import { clockToleranceMs } from '../../lease-clock.ts';
import { checkReceive } from '../../check-receive.ts';
import type { DiskReserve } from '../../disk-reserve.ts';
import { busErrors } from '../../errors.ts';
import { checkName, checkNumber, maxPayloadBytes, prepareCompletions, prepareItems } from '../../outgoing.ts';
import { entriesTopic, type Wakeups } from '../../wakeups.ts';
import type { Committer } from './committer.ts';
import type { Compaction } from './compaction.ts';
import { exportRecords } from './exporting.ts';
import type { Importing } from './importing.ts';
import type { Journal } from './journal.ts';
import type { Lock } from './lock.ts';
import { acquireLease, extendLease, releaseLease } from './named-leases.ts';
import type { Projector } from './projector.ts';
import type { Steps } from './steps.ts';
import { isFatal, storageError } from './storage-error.ts';
import type { Views } from './views.ts';

export interface FileBusParts {
  readonly journal: Journal;
  readonly lock: Lock;
  readonly reserve: DiskReserve;
  readonly committer: Committer;
  readonly wakeups: Wakeups;
  readonly steps: Steps;
  readonly views: Views;
  readonly compaction: Compaction;
  readonly importing: Importing;
  readonly projector: Projector;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** How many entries `watch` reads at once. */
const watchBatch = 256;

/** How often those that wait look for what nobody told of. Milliseconds. */
const unseenEvery = 1000;

/** The bus on a journal of files (docs/adr/0010-file-bus.md). */
export class FileBus implements AgentBus {
  readonly #parts: FileBusParts;
  /** Why nothing is taken any more; null while open. */
  #refusal: AppError | null = null;
  #latest = 0;
  #lookAgainAt = 0;

  constructor(parts: FileBusParts) {
    this.#parts = parts;
  }

  async send(items: readonly OutgoingItem[], options: CompleteOptions = {}): Promise<Result<Receipt>> {
    const prepared = prepareItems(items);
    if (!prepared.ok) return prepared;
    return this.#parts.committer.run('intake', () => this.#parts.steps.send(prepared.value, options.expect));
  }

  async receive(queue: string, options: ReceiveOptions): Promise<Result<readonly Delivery[]>> {
    const checked = checkReceive(queue, options);
    if (!checked.ok) return checked;
    const { wakeups, views, now } = this.#parts;
    const deadline = performance.now() + options.waitMs;
    while (this.#refusal === null && options.signal?.aborted !== true) {
      const seen = wakeups.generation;
      await this.#noticeClock();
      await this.#noticeUnseen();
      const due = this.#read(() => views.untilDue(queue, now()));
      if (!due.ok) return due;
      if (due.value === 0) {
        const claimed = await this.#claim(queue, options);
        if (!claimed.ok || claimed.value.length > 0) return claimed;
      }
      const left = deadline - performance.now();
      if (left <= 0) return success([]);
      await wakeups.wait(queue, seen, Math.min(left, due.value || left), options.signal);
    }
    return this.#refusal === null ? success([]) : failure(this.#refusal);
  }

  complete(
    delivery: Delivery,
    items: readonly OutgoingItem[],
    options: CompleteOptions = {},
  ): Promise<Result<Receipt>> {
    return this.completeMany([{ delivery, items }], options);
  }

  async completeMany(completions: readonly Completion[], options: CompleteOptions = {}): Promise<Result<Receipt>> {
    const prepared = prepareCompletions(completions);
    if (!prepared.ok) return prepared;
    return this.#parts.committer.run('durable', () => this.#parts.steps.complete(prepared.value, options.expect));
  }

  async extend(delivery: Delivery, leaseMs: number): Promise<Result<Delivery>> {
    const checked = checkNumber('leaseMs', leaseMs, 1);
    if (!checked.ok) return checked;
    return this.#parts.committer.run('volatile', () => this.#parts.steps.extend(delivery, leaseMs));
  }

  async release(delivery: Delivery, options: { readonly notBefore?: number } = {}): Promise<Result<undefined>> {
    const notBefore = checkNumber('notBefore', options.notBefore ?? 0, 0);
    if (!notBefore.ok) return notBefore;
    return this.#parts.committer.run('volatile', () => this.#parts.steps.release(delivery, notBefore.value));
  }

  async reject(delivery: Delivery, reason: AppError, items: readonly OutgoingItem[]): Promise<Result<Receipt>> {
    const prepared = prepareItems(items);
    if (!prepared.ok) return prepared;
    return this.#parts.committer.run('durable', () => this.#parts.steps.reject(delivery, reason, prepared.value));
  }

  async readStream(
    stream: string,
    options: { readonly after: number; readonly limit?: number },
  ): Promise<Result<readonly StreamEntry[]>> {
    return this.#read(() => this.#parts.views.stream(stream, options.after, options.limit));
  }

  async streamVersion(stream: string): Promise<Result<number>> {
    return this.#read(() => this.#parts.journal.state.ledger.version(stream));
  }

  async streams(): Promise<Result<readonly string[]>> {
    return this.#read(() => this.#parts.journal.state.ledger.names());
  }

  async readAll(options: { readonly after: number; readonly limit: number }): Promise<Result<readonly StreamEntry[]>> {
    return this.#read(() => this.#parts.views.after(options.after, options.limit));
  }

  async lastPosition(): Promise<Result<number>> {
    return this.#read(() => this.#parts.journal.state.ledger.lastPosition);
  }

  async *watch(options: {
    readonly after: number;
    readonly signal: AbortSignal;
  }): AsyncGenerator<StreamEntry, void, undefined> {
    const { wakeups, views } = this.#parts;
    let position = options.after;
    while (this.#refusal === null && !options.signal.aborted) {
      const seen = wakeups.generation;
      await this.#noticeUnseen();
      const entries = this.#read(() => views.after(position, watchBatch));
      for (const entry of entries.ok ? entries.value : []) {
        position = entry.position;
        yield entry;
        if (options.signal.aborted || this.#refusal !== null) return;
      }
      if (!entries.ok || entries.value.length === 0) await wakeups.wait(entriesTopic, seen, Infinity, options.signal);
    }
  }

  async queues(): Promise<Result<readonly QueueStatistics[]>> {
    return this.#read(() => this.#parts.views.queues(this.#parts.now()));
  }

  async deliveries(envelopeIds: readonly string[]): Promise<Result<readonly DeliveryStatus[]>> {
    return this.#read(() => this.#parts.views.deliveries(envelopeIds, this.#parts.now()));
  }

  async deadLetters(): Promise<Result<readonly DeadLetter[]>> {
    return this.#read(() => this.#parts.views.deadLetters());
  }

  requeue(deadLetterId: string): Promise<Result<undefined>> {
    return this.#parts.committer.run('durable', () => this.#parts.steps.requeue(deadLetterId));
  }

  purge(deadLetterId: string): Promise<Result<undefined>> {
    return this.#parts.committer.run('durable', () => this.#parts.steps.purge(deadLetterId));
  }

  compact(options: {
    readonly closedBefore: number;
    readonly streams: readonly string[];
  }): Promise<Result<{ readonly streams: number; readonly entries: number }>> {
    return this.#parts.compaction.compact(options);
  }

  /** Durable, for its epoch must never be given twice. */
  async acquireLease(
    name: string,
    holder: string,
    leaseMs: number,
  ): Promise<Result<{ readonly epoch: number; readonly token: string }>> {
    const checkedName = checkName(name);
    if (!checkedName.ok) return checkedName;
    const checked = checkNumber('leaseMs', leaseMs, 1);
    if (!checked.ok) return checked;
    const { journal, now } = this.#parts;
    return this.#parts.committer.run('durable', () => acquireLease(journal.state, name, holder, leaseMs, now()));
  }

  async extendLease(name: string, token: string, leaseMs: number): Promise<Result<undefined>> {
    const checked = checkNumber('leaseMs', leaseMs, 1);
    if (!checked.ok) return checked;
    const { journal, now } = this.#parts;
    return this.#parts.committer.run('volatile', () => extendLease(journal.state, name, token, leaseMs, now()));
  }

  releaseLease(name: string, token: string): Promise<Result<undefined>> {
    return this.#parts.committer.run('volatile', () => releaseLease(this.#parts.journal.state, name, token));
  }

  async *exportRecords(): AsyncGenerator<Result<BusRecord>, void, undefined> {
    const { journal, now } = this.#parts;
    const records = this.#read(() => exportRecords(journal, now()));
    if (!records.ok) yield records;
    else for (const record of records.value) yield success(record);
  }

  importRecords(records: AsyncIterable<BusRecord>): Promise<Result<{ readonly entries: number }>> {
    return this.#parts.importing.importRecords(records);
  }

  capabilities(): BusCapabilities {
    return { fifo: true, crossMachine: false, maxPayloadBytes, latencyClass: 'host' };
  }

  async close(): Promise<void> {
    const projected = this.#parts.projector.close();
    this.shutDown(busErrors.AC_BUS_CLOSED());
    await projected;
  }

  /** Commits what waits, wakes all that wait, gives the files back. Later calls answer `refusal`. */
  shutDown(refusal: AppError): void {
    if (this.#refusal !== null) return;
    this.#refusal = refusal;
    const { committer, wakeups, projector, reserve, journal, lock } = this.#parts;
    committer.close(refusal);
    wakeups.close();
    void projector.close();
    reserve.close();
    journal.close();
    lock.close();
  }

  /** Claims until there are as many as were asked for, or no more: the notice of what one claim buries is there for the next. */
  async #claim(queue: string, { max, leaseMs }: ReceiveOptions): Promise<Result<readonly Delivery[]>> {
    const { committer, steps } = this.#parts;
    const deliveries: Delivery[] = [];
    for (;;) {
      const claimed = await committer.run('volatile', () => steps.claim(queue, max - deliveries.length, leaseMs));
      if (!claimed.ok) return deliveries.length === 0 ? claimed : success(deliveries);
      deliveries.push(...claimed.value.deliveries);
      if (!claimed.value.hasBuried || deliveries.length >= max) return success(deliveries);
    }
  }

  /** A clock set back by more than a second would prolong every lease by the jump. */
  async #noticeClock(): Promise<void> {
    const now = this.#parts.now();
    const wentBack = now < this.#latest - clockToleranceMs;
    this.#latest = wentBack ? now : Math.max(now, this.#latest);
    if (!wentBack) return;
    await this.#parts.committer.run('volatile', () => this.#parts.steps.expireFuture());
  }

  /** What a process killed before it rang the bell has left in the journal is found by whoever waits, a little later. */
  async #noticeUnseen(): Promise<void> {
    const now = performance.now();
    if (this.#refusal !== null || now < this.#lookAgainAt) return;
    this.#lookAgainAt = now + unseenEvery;
    const behind = this.#read(() => this.#parts.journal.isBehind);
    if (behind.ok && behind.value) await this.#parts.committer.run('volatile', () => ({ result: success() }));
  }

  /** Asks the state when it has taken in what others have made visible. */
  #read<Value>(query: () => Value): Result<Value> {
    if (this.#refusal !== null) return failure(this.#refusal);
    const { journal } = this.#parts;
    try {
      journal.refresh();
      return success(query());
    } catch (thrown) {
      const error = storageError(thrown, journal.file);
      if (error === null) throw thrown;
      if (isFatal(error)) this.shutDown(error);
      return failure(error);
    }
  }
}
