import { failure, success, type AppError, type BusRecord, type Result } from '@agentcompany/protocol';
import type Database from 'better-sqlite3';
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
import { busErrors } from '../../errors.ts';
import { checkReceive } from '../../check-receive.ts';
import { checkName, checkNumber, maxPayloadBytes, prepareCompletions, prepareItems } from '../../outgoing.ts';
import type { DiskReserve } from '../../disk-reserve.ts';
import type { Committer } from './committer.ts';
import type { Compaction } from './compaction.ts';
import type { DeliveryTable } from './delivery-table.ts';
import { exportDatabase } from './exporting.ts';
import type { Graveyard } from './graveyard.ts';
import { importDatabase } from './importing.ts';
import { lastPositionQuery, type Ledger } from './ledger.ts';
import type { NamedLeases } from './named-leases.ts';
import type { Steps } from './steps.ts';
import { isFatal, storageError } from './storage-error.ts';
import { entriesTopic, type Wakeups } from '../../wakeups.ts';

export interface SqliteBusParts {
  readonly database: Database.Database;
  readonly reserve: DiskReserve;
  readonly committer: Committer;
  readonly wakeups: Wakeups;
  readonly ledger: Ledger;
  readonly deliveries: DeliveryTable;
  readonly graveyard: Graveyard;
  readonly compaction: Compaction;
  readonly namedLeases: NamedLeases;
  readonly steps: Steps;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** How long a call waits for another process's lock, in milliseconds. */
  readonly busyLimit: number;
}

/** How many entries `watch` reads at once. */
const watchBatch = 256;

/** The bus on one SQLite file (docs/adr/0006-sqlite-bus.md). */
export class SqliteBus implements AgentBus {
  readonly #parts: SqliteBusParts;
  /** Why nothing is taken any more; null while open. */
  #refusal: AppError | null = null;
  #latest = 0;

  constructor(parts: SqliteBusParts) {
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
    const { wakeups, deliveries, now } = this.#parts;
    const deadline = performance.now() + options.waitMs;
    while (this.#refusal === null && options.signal?.aborted !== true) {
      const seen = wakeups.generation;
      await this.#noticeClock();
      const due = this.#read(() => deliveries.untilDue(queue, now()));
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
    return this.#durably(() => this.#parts.steps.complete(prepared.value, options.expect));
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
    return this.#durably(() => this.#parts.steps.reject(delivery, reason, prepared.value));
  }

  async readStream(
    stream: string,
    options: { readonly after: number; readonly limit?: number },
  ): Promise<Result<readonly StreamEntry[]>> {
    return this.#read(() => this.#parts.ledger.readStream(stream, options.after, options.limit ?? -1));
  }

  async streamVersion(stream: string): Promise<Result<number>> {
    return this.#read(() => this.#parts.ledger.version(stream));
  }

  async streams(): Promise<Result<readonly string[]>> {
    return this.#read(() => this.#parts.ledger.streams());
  }

  async readAll(options: { readonly after: number; readonly limit: number }): Promise<Result<readonly StreamEntry[]>> {
    return this.#read(() => this.#parts.ledger.readAfter(options.after, options.limit));
  }

  async lastPosition(): Promise<Result<number>> {
    return this.#read(() => this.#parts.ledger.lastPosition());
  }

  async *watch(options: {
    readonly after: number;
    readonly signal: AbortSignal;
  }): AsyncGenerator<StreamEntry, void, undefined> {
    const { wakeups, ledger } = this.#parts;
    let position = options.after;
    while (this.#refusal === null && !options.signal.aborted) {
      const seen = wakeups.generation;
      const entries = this.#read(() => ledger.readAfter(position, watchBatch));
      for (const entry of entries.ok ? entries.value : []) {
        position = entry.position;
        yield entry;
        if (options.signal.aborted || this.#refusal !== null) return;
      }
      if (!entries.ok || entries.value.length === 0) await wakeups.wait(entriesTopic, seen, Infinity, options.signal);
    }
  }

  async queues(): Promise<Result<readonly QueueStatistics[]>> {
    return this.#read(() => this.#parts.deliveries.statistics(this.#parts.now()));
  }

  async deadLetters(): Promise<Result<readonly DeadLetter[]>> {
    return this.#read(() => this.#parts.graveyard.list());
  }

  requeue(deadLetterId: string): Promise<Result<undefined>> {
    return this.#durably(() => this.#parts.graveyard.requeue(deadLetterId));
  }

  purge(deadLetterId: string): Promise<Result<undefined>> {
    return this.#durably(() => this.#parts.graveyard.purge(deadLetterId));
  }

  async compact(options: {
    readonly closedBefore: number;
    readonly streams: readonly string[];
  }): Promise<Result<{ readonly streams: number; readonly entries: number }>> {
    const { compaction, now } = this.#parts;
    let [streams, entries] = [0, 0];
    for (const stream of new Set(options.streams)) {
      // A step for each stream: others are not kept waiting for all of them.
      const dropped = await this.#durably(() => success(compaction.drop(stream, options.closedBefore, now())));
      if (!dropped.ok) return dropped;
      streams += dropped.value > 0 ? 1 : 0;
      entries += dropped.value;
    }
    const forgotten = await this.#durably(() => success(compaction.tidy(now())));
    return forgotten.ok ? success({ streams, entries }) : forgotten;
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
    return this.#durably(() => this.#parts.namedLeases.acquire(name, holder, leaseMs, this.#parts.now()));
  }

  async extendLease(name: string, token: string, leaseMs: number): Promise<Result<undefined>> {
    const checked = checkNumber('leaseMs', leaseMs, 1);
    if (!checked.ok) return checked;
    return this.#parts.committer.run('volatile', () =>
      this.#parts.namedLeases.extend(name, token, leaseMs, this.#parts.now()),
    );
  }

  releaseLease(name: string, token: string): Promise<Result<undefined>> {
    return this.#parts.committer.run('volatile', () => this.#parts.namedLeases.release(name, token));
  }

  async deliveries(envelopeIds: readonly string[]): Promise<Result<readonly DeliveryStatus[]>> {
    const now = this.#parts.now();
    return this.#read(() => envelopeIds.flatMap((id) => this.#parts.deliveries.statusOf(id, now)));
  }

  exportRecords(): AsyncIterable<Result<BusRecord>> {
    const { database, now } = this.#parts;
    return exportDatabase({ file: database.name, lastPositionQuery, now: now(), refusal: () => this.#refusal });
  }

  async importRecords(records: AsyncIterable<BusRecord>): Promise<Result<{ readonly entries: number }>> {
    if (this.#refusal !== null) return failure(this.#refusal);
    const { database, reserve, wakeups, busyLimit } = this.#parts;
    const admitted = reserve.admit();
    if (!admitted.ok) return admitted;
    const imported = await importDatabase(database.name, records, busyLimit);
    if (imported.ok) wakeups.ringForAll();
    else if (isFatal(imported.error)) this.shutDown(imported.error);
    return imported;
  }

  capabilities(): BusCapabilities {
    return { fifo: true, crossMachine: false, maxPayloadBytes, latencyClass: 'host' };
  }

  async close(): Promise<void> {
    this.shutDown(busErrors.AC_BUS_CLOSED());
  }

  /** Commits what waits, wakes all that wait, gives the file back. Later calls answer `refusal`. */
  shutDown(refusal: AppError): void {
    if (this.#refusal !== null) return;
    this.#refusal = refusal;
    this.#parts.committer.close(refusal);
    this.#parts.wakeups.close();
    this.#parts.reserve.close();
    this.#parts.database.close();
  }

  #durably<Value>(work: () => Result<Value>): Promise<Result<Value>> {
    return this.#parts.committer.run('durable', work);
  }

  async #claim(queue: string, options: ReceiveOptions): Promise<Result<readonly Delivery[]>> {
    let durable = false;
    return this.#parts.committer.run('volatile', () => {
      const claimed = this.#parts.steps.claim(queue, options.max, options.leaseMs, durable);
      durable = true;
      return claimed;
    });
  }

  /** A clock set back by more than a second would prolong every lease by the jump. */
  async #noticeClock(): Promise<void> {
    const now = this.#parts.now();
    const wentBack = now < this.#latest - clockToleranceMs;
    this.#latest = wentBack ? now : Math.max(now, this.#latest);
    if (!wentBack) return;
    await this.#parts.committer.run('volatile', () => success(this.#parts.deliveries.expireFuture(this.#parts.now())));
  }

  #read<Value>(query: () => Value): Result<Value> {
    if (this.#refusal !== null) return failure(this.#refusal);
    try {
      return success(query());
    } catch (thrown) {
      const error = storageError(thrown, this.#parts.database.name);
      if (error === null) throw thrown;
      if (isFatal(error)) this.shutDown(error);
      return failure(error);
    }
  }
}
