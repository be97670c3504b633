import { failure, type AppError, type BusRecord, type Result } from '@agentcompany/protocol';
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
import { checkReceive } from '../../check-receive.ts';
import { busErrors } from '../../errors.ts';
import { checkName, checkNumber, maxPayloadBytes, prepareCompletions, prepareItems } from '../../outgoing.ts';
import { entriesTopic, type Bells } from './bells.ts';
import type { Compaction } from './compaction.ts';
import type { Exporter } from './exporter.ts';
import type { Graveyard } from './graveyard.ts';
import type { Importer } from './importer.ts';
import type { Ledger } from './ledger.ts';
import type { Link } from './link.ts';
import type { NamedLeases } from './named-leases.ts';
import type { Queues } from './queues.ts';
import type { Receiver } from './receiver.ts';
import type { Steps } from './steps.ts';

export interface RedisBusParts {
  readonly link: Link;
  readonly bells: Bells;
  readonly ledger: Ledger;
  readonly steps: Steps;
  readonly receiver: Receiver;
  readonly queues: Queues;
  readonly graveyard: Graveyard;
  readonly namedLeases: NamedLeases;
  readonly compaction: Compaction;
  readonly exporter: Exporter;
  readonly importer: Importer;
}

/** How many entries `watch` reads at once. */
const watchBatch = 256;

/** The bus on one Redis server (docs/adr/0011-redis-bus.md). */
export class RedisBus implements AgentBus {
  readonly #parts: RedisBusParts;
  /** Why nothing is taken any more; null while open. */
  #refusal: AppError | null = null;
  #ended: Promise<void> | undefined;

  constructor(parts: RedisBusParts) {
    this.#parts = parts;
  }

  get refusal(): AppError | null {
    return this.#refusal;
  }

  async send(items: readonly OutgoingItem[], options: CompleteOptions = {}): Promise<Result<Receipt>> {
    const prepared = prepareItems(items);
    return prepared.ok ? this.#parts.steps.send(prepared.value, options.expect) : prepared;
  }

  async receive(queue: string, options: ReceiveOptions): Promise<Result<readonly Delivery[]>> {
    const checked = checkReceive(queue, options);
    return checked.ok ? this.#parts.receiver.receive(queue, options) : checked;
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
    return this.#parts.steps.complete(prepared.value, options.expect);
  }

  async extend(delivery: Delivery, leaseMs: number): Promise<Result<Delivery>> {
    const checked = checkNumber('leaseMs', leaseMs, 1);
    return checked.ok ? this.#parts.steps.extend(delivery, leaseMs) : checked;
  }

  async release(delivery: Delivery, options: { readonly notBefore?: number } = {}): Promise<Result<undefined>> {
    const notBefore = checkNumber('notBefore', options.notBefore ?? 0, 0);
    return notBefore.ok ? this.#parts.steps.release(delivery, notBefore.value) : notBefore;
  }

  async reject(delivery: Delivery, reason: AppError, items: readonly OutgoingItem[]): Promise<Result<Receipt>> {
    const prepared = prepareItems(items);
    return prepared.ok ? this.#parts.steps.reject(delivery, reason, prepared.value) : prepared;
  }

  readStream(
    stream: string,
    options: { readonly after: number; readonly limit?: number },
  ): Promise<Result<readonly StreamEntry[]>> {
    return this.#parts.ledger.readStream(stream, options.after, options.limit ?? Infinity);
  }

  streamVersion(stream: string): Promise<Result<number>> {
    return this.#parts.ledger.version(stream);
  }

  streams(): Promise<Result<readonly string[]>> {
    return this.#parts.ledger.streams();
  }

  readAll(options: { readonly after: number; readonly limit: number }): Promise<Result<readonly StreamEntry[]>> {
    return this.#parts.ledger.readAfter(options.after, options.limit);
  }

  lastPosition(): Promise<Result<number>> {
    return this.#parts.ledger.lastPosition();
  }

  async *watch(options: {
    readonly after: number;
    readonly signal: AbortSignal;
  }): AsyncGenerator<StreamEntry, void, undefined> {
    const { bells, ledger } = this.#parts;
    let position = options.after;
    while (this.#refusal === null && !options.signal.aborted) {
      const seen = bells.generation;
      const entries = await ledger.readAfter(position, watchBatch, options.signal);
      for (const entry of entries.ok ? entries.value : []) {
        if (options.signal.aborted || this.#refusal !== null) return;
        position = entry.position;
        yield entry;
      }
      if (!entries.ok || entries.value.length === 0) await bells.wait([entriesTopic], seen, Infinity, options.signal);
    }
  }

  queues(): Promise<Result<readonly QueueStatistics[]>> {
    return this.#parts.queues.statistics();
  }

  deliveries(envelopeIds: readonly string[]): Promise<Result<readonly DeliveryStatus[]>> {
    return this.#parts.queues.deliveries(envelopeIds);
  }

  deadLetters(): Promise<Result<readonly DeadLetter[]>> {
    return this.#parts.graveyard.list();
  }

  requeue(deadLetterId: string): Promise<Result<undefined>> {
    return this.#parts.graveyard.requeue(deadLetterId);
  }

  purge(deadLetterId: string): Promise<Result<undefined>> {
    return this.#parts.graveyard.purge(deadLetterId);
  }

  compact(options: {
    readonly closedBefore: number;
    readonly streams: readonly string[];
  }): Promise<Result<{ readonly streams: number; readonly entries: number }>> {
    return this.#parts.compaction.compact(options.closedBefore, options.streams);
  }

  async acquireLease(
    name: string,
    holder: string,
    leaseMs: number,
  ): Promise<Result<{ readonly epoch: number; readonly token: string }>> {
    const checked = [checkName(name), checkNumber('leaseMs', leaseMs, 1)].find((check) => !check.ok);
    if (checked !== undefined && !checked.ok) return checked;
    return this.#parts.namedLeases.acquire(name, holder, leaseMs);
  }

  async extendLease(name: string, token: string, leaseMs: number): Promise<Result<undefined>> {
    const checked = checkNumber('leaseMs', leaseMs, 1);
    return checked.ok ? this.#parts.namedLeases.extend(name, token, leaseMs) : checked;
  }

  releaseLease(name: string, token: string): Promise<Result<undefined>> {
    return this.#parts.namedLeases.release(name, token);
  }

  async *exportRecords(): AsyncGenerator<Result<BusRecord>, void, undefined> {
    if (this.#refusal !== null) yield failure(this.#refusal);
    else yield* this.#parts.exporter.records();
  }

  importRecords(records: AsyncIterable<BusRecord>): Promise<Result<{ readonly entries: number }>> {
    return this.#refusal === null ? this.#parts.importer.take(records) : Promise.resolve(failure(this.#refusal));
  }

  capabilities(): BusCapabilities {
    return { fifo: true, crossMachine: true, maxPayloadBytes, latencyClass: 'network' };
  }

  async close(): Promise<void> {
    this.shutDown(busErrors.AC_BUS_CLOSED());
    await this.#ended;
  }

  /** Wakes all that wait and gives the connections back. Later calls answer `refusal`. */
  shutDown(refusal: AppError): void {
    if (this.#refusal !== null) return;
    this.#refusal = refusal;
    this.#parts.bells.close();
    this.#ended = this.#parts.link.close(refusal);
  }
}
