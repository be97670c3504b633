import type { AppError, BusRecord, Envelope, Result } from '@agentcompany/protocol';

/** One thing to send. `queue` null records history only; absent means the recipient's queue. `notBefore`: unix milliseconds, how timers work. */
export interface OutgoingItem {
  readonly envelope: Envelope;
  readonly queue?: string | null;
  readonly notBefore?: number;
}

/** An envelope with its place in its stream: `seq` starts at 1 and has no gaps; `position` is the company-wide commit order. */
export interface StreamEntry {
  readonly stream: string;
  readonly seq: number;
  readonly position: number;
  readonly envelope: Envelope;
}

/** A lease on one (envelope, queue). `count` includes this delivery; `epoch` grows with every lease of it; `leaseUntil` is in the holder's `performance.now()` milliseconds, already a fifth early. */
export interface Delivery {
  readonly queue: string;
  readonly stream: string;
  readonly seq: number;
  readonly envelope: Envelope;
  readonly count: number;
  readonly epoch: number;
  readonly token: string;
  readonly leaseUntil: number;
}

/** The whole step is refused unless `stream` still holds exactly `version` entries. */
export interface Expectation {
  readonly stream: string;
  readonly version: number;
}

export interface ReceiveOptions {
  /** At most this many deliveries. */
  readonly max: number;
  /** Milliseconds to wait for the first one; 0 answers at once. */
  readonly waitMs: number;
  readonly leaseMs: number;
  readonly signal?: AbortSignal;
}

export interface CompleteOptions {
  readonly expect?: Expectation;
}

/** One part of a `completeMany`. */
export interface Completion {
  readonly delivery: Delivery;
  readonly items: readonly OutgoingItem[];
}

export interface QueueStatistics {
  readonly queue: string;
  readonly waiting: number;
  readonly delayed: number;
  readonly leased: number;
}

/** Where one envelope stands in one queue. `done`: completed; `buried`: given up, a dead letter until it is purged. */
export interface DeliveryStatus {
  readonly envelopeId: string;
  readonly queue: string;
  readonly state: 'waiting' | 'delayed' | 'leased' | 'done' | 'buried';
  readonly count: number;
}

/** A delivery that was given up. `id` is that of its `dead_letter` notice; an envelope that cannot be read any more shows as a `dead_letter` with its own id. */
export interface DeadLetter {
  readonly id: string;
  readonly queue: string;
  readonly envelope: Envelope;
  readonly count: number;
  readonly error: AppError;
  /** ISO 8601. */
  readonly buriedAt: string;
}

export interface BusCapabilities {
  readonly fifo: boolean;
  readonly crossMachine: boolean;
  readonly maxPayloadBytes: number;
  readonly latencyClass: 'process' | 'host' | 'network' | 'mail';
}

/** What was made durable: the entries appended to streams, in order. Sending an envelope again appends nothing and returns its first entry. */
export interface Receipt {
  readonly entries: readonly StreamEntry[];
}

/**
 * The pluggable bus (DESIGN §4). Meaning, not connections. Every promise resolves to a `Result`; what is acknowledged is durable.
 * Common errors: `AC_BUS_CLOSED`, `AC_BUS_FULL` (disk), `AC_BUS_BUSY`, `AC_BUS_PAYLOAD_TOO_LARGE`, `AC_BUS_UNCERTAIN` (repeat with the same ids).
 */
export interface AgentBus {
  /** All or nothing; resolves when durable. Error: `AC_BUS_ID_CONFLICT` for a known id with other bytes. With `expect` as in `complete`. */
  send(items: readonly OutgoingItem[], options?: CompleteOptions): Promise<Result<Receipt>>;
  /**
   * FIFO by commit order among those due; competing consumers; an empty list on time-out or abort. What has spent its deliveries or cannot be
   * read is buried on the way and takes none of the `max` places: the next of those due has it. The notice of it is one of them where the
   * queue is `engine`, behind all that was there: the same call gives it where a place is left.
   */
  receive(queue: string, options: ReceiveOptions): Promise<Result<readonly Delivery[]>>;
  /**
   * Acknowledges and sends in one durable step. Repeating it with the same lease token returns the first receipt.
   * Errors: `AC_BUS_CONFLICT` (fold again and decide again; the delivery stays leased), `AC_BUS_STALE_LEASE`, `AC_BUS_ID_CONFLICT`.
   */
  complete(delivery: Delivery, items: readonly OutgoingItem[], options?: CompleteOptions): Promise<Result<Receipt>>;
  /** Several completions in one durable step, all or nothing. */
  completeMany(completions: readonly Completion[], options?: CompleteOptions): Promise<Result<Receipt>>;
  /** Prolongs the lease to `leaseMs` from now and returns the delivery with its new deadline. Error: `AC_BUS_STALE_LEASE`. */
  extend(delivery: Delivery, leaseMs: number): Promise<Result<Delivery>>;
  /** Gives the delivery back unhandled; it does not count as a delivery. */
  release(delivery: Delivery, options?: { readonly notBefore?: number }): Promise<Result<undefined>>;
  /** Buries the delivery as a dead letter, with `items` and one `dead_letter` envelope to the stream and to queue `engine`, in one step. */
  reject(delivery: Delivery, reason: AppError, items: readonly OutgoingItem[]): Promise<Result<Receipt>>;
  /** Entries of one stream with seq > `after`, at most `limit`. */
  readStream(
    stream: string,
    options: { readonly after: number; readonly limit?: number },
  ): Promise<Result<readonly StreamEntry[]>>;
  /** The number of entries of a stream; 0 where it is unknown. */
  streamVersion(stream: string): Promise<Result<number>>;
  /** Names of the streams, in order of their first entry. */
  streams(): Promise<Result<readonly string[]>>;
  /** Entries of every stream with position > `after` in commit order, at most `limit`. */
  readAll(options: { readonly after: number; readonly limit: number }): Promise<Result<readonly StreamEntry[]>>;
  /** The position of the last entry; 0 where there is none. */
  lastPosition(): Promise<Result<number>>;
  /** All entries with position > `after` in commit order, as they come, until `signal` aborts. Ends early only on close. */
  watch(options: { readonly after: number; readonly signal: AbortSignal }): AsyncIterable<StreamEntry>;
  queues(): Promise<Result<readonly QueueStatistics[]>>;
  /** The deliveries of these envelopes, in the order of `envelopeIds` and of their queues' names; an unknown id has none. */
  deliveries(envelopeIds: readonly string[]): Promise<Result<readonly DeliveryStatus[]>>;
  deadLetters(): Promise<Result<readonly DeadLetter[]>>;
  /** Puts a dead letter back at the end of its queue with its count at 0. Error: `AC_BUS_UNKNOWN_DEAD_LETTER`. */
  requeue(deadLetterId: string): Promise<Result<undefined>>;
  /** Forgets a dead letter; its envelope stays in its stream. Error: `AC_BUS_UNKNOWN_DEAD_LETTER`. */
  purge(deadLetterId: string): Promise<Result<undefined>>;
  /** Drops the streams whose last entry is older than `closedBefore` (unix ms) and which `isClosed` names; ids are remembered 30 days more. */
  compact(options: {
    readonly closedBefore: number;
    readonly streams: readonly string[];
  }): Promise<Result<{ readonly streams: number; readonly entries: number }>>;
  /** A lease by name with a growing fencing epoch, e.g. `engine` (DESIGN §1.8). Error: `AC_BUS_LEASE_HELD`. */
  acquireLease(
    name: string,
    holder: string,
    leaseMs: number,
  ): Promise<Result<{ readonly epoch: number; readonly token: string }>>;
  extendLease(name: string, token: string, leaseMs: number): Promise<Result<undefined>>;
  releaseLease(name: string, token: string): Promise<Result<undefined>>;
  /**
   * The whole bus as it is at one moment, also while it is in use. The last record is `end`: without it the export is cut short.
   * A failure ends it.
   */
  exportRecords(): AsyncIterable<Result<BusRecord>>;
  /**
   * Fills an empty bus with an export of any adapter, all or nothing: positions, order, counts, epochs and dead letters are those of the
   * export. Errors: `AC_BUS_NOT_EMPTY`, `AC_BUS_EXPORT_INVALID` naming the record (out of order, unknown envelope, cut short).
   */
  importRecords(records: AsyncIterable<BusRecord>): Promise<Result<{ readonly entries: number }>>;
  capabilities(): BusCapabilities;
  close(): Promise<void>;
}
