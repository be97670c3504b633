import type { AppError, BusRecord, EnvelopeType, Result } from '@agentcompany/protocol';
import type {
  BusAdapter,
  BusCapabilities,
  DeadLetter,
  DeliveryStatus,
  QueueStatistics,
  StreamEntry,
} from '@agentcompany/agent-bus';

export interface BusStatistics {
  readonly adapter: BusAdapter;
  /** The store itself: a folder, or an address without user and password. */
  readonly place: string;
  /** `machine`: each step is fsynced here before it is answered; `server`: by the server; `volatile`: nobody promises it. */
  readonly durability: 'machine' | 'server' | 'volatile';
  readonly latency_class: BusCapabilities['latencyClass'];
  readonly streams: number;
  readonly entries: number;
  readonly last_position: number;
  readonly dead_letters: number;
  readonly queues: readonly QueueStatistics[];
}

export type DeliveryOutcome = 'pending' | 'processed' | 'failed';

/** What is looked for in the history; all that is given must hold. */
export interface HistoryQuery {
  /** A run by id or unique prefix, or a stream by its name. */
  readonly run?: string;
  readonly thread?: string;
  readonly type?: EnvelopeType;
  readonly sender?: string;
  readonly recipient?: string;
  /** Unix milliseconds of `created_at`: not before `since`, before `until`. */
  readonly since?: number;
  readonly until?: number;
  readonly status?: DeliveryOutcome;
  readonly limit: number;
  /** Number of matching entries to pass over. */
  readonly offset: number;
}

/** An entry and how its deliveries stand. */
export interface HistoryEntry extends StreamEntry {
  /** `failed` where one of its deliveries was given up, else `pending` where one is not done; null where it had none. */
  readonly status: DeliveryOutcome | null;
  readonly deliveries: readonly DeliveryStatus[];
}

export interface HistoryPage {
  readonly entries: readonly HistoryEntry[];
  /** Whether entries after these match too. */
  readonly more: boolean;
}

/** What was, or with `dryRun` would be, forgotten of a run. */
export interface PurgedRun {
  readonly run_id: string;
  readonly entries: number;
  /** Why the bus keeps it; null where it goes. */
  readonly kept: AppError | null;
}

/** The company's bus as an operator sees it. Everything works beside a living engine, but for `importFrom`. */
export interface CompanyBus {
  statistics(): Promise<Result<BusStatistics>>;
  /** Position after which the last `count` entries lie. */
  positionBefore(count: number): Promise<Result<number>>;
  /** Entries after position `after` in commit order, then as they come until `signal` aborts (`follow`). A failure ends it. */
  tail(options: {
    readonly after: number;
    readonly follow: boolean;
    readonly signal: AbortSignal;
  }): AsyncIterable<Result<StreamEntry>>;
  /** In commit order. Errors: `AC_RUN_UNKNOWN`, `AC_RUN_AMBIGUOUS`. */
  history(query: HistoryQuery): Promise<Result<HistoryPage>>;
  /** Oldest burial first. */
  deadLetters(): Promise<Result<readonly DeadLetter[]>>;
  /** By id or unique prefix; returns the id. Errors: `AC_BUS_UNKNOWN_DEAD_LETTER`, `AC_DEAD_LETTER_AMBIGUOUS`. */
  requeue(id: string): Promise<Result<string>>;
  /** Requeues every dead letter, the oldest first; returns their ids. */
  requeueAll(): Promise<Result<readonly string[]>>;
  /** Forgets a dead letter, by id or unique prefix; returns the id. Errors as `requeue`. */
  purgeDeadLetter(id: string): Promise<Result<string>>;
  /** Forgets a run that has ended. Errors: `AC_RUN_UNKNOWN`, `AC_RUN_AMBIGUOUS`, `AC_RUN_OPEN`, `AC_RUN_UNDELIVERED`. */
  purgeRun(id: string, options: { readonly dryRun: boolean }): Promise<Result<PurgedRun>>;
  /** Forgets every ended run whose last entry is older than `before` (unix ms). */
  purgeBefore(before: number, options: { readonly dryRun: boolean }): Promise<Result<readonly PurgedRun[]>>;
  /** The whole bus, record by record; the last is `end`. A failure ends it. Error: `AC_EXPORT_CUT_SHORT`. */
  exportRecords(): AsyncIterable<Result<BusRecord>>;
  /** The same as NDJSON into a file, gzip where its name ends in `.gz`, durably and whole or not at all. Error: `AC_EXPORT_UNWRITABLE`. */
  exportTo(file: string): Promise<Result<{ readonly records: number; readonly bytes: number }>>;
  /**
   * Fills an empty bus from such a file, then makes the read model from it. Errors: `AC_ENGINE_RUNNING`, `AC_BUS_NOT_EMPTY`,
   * `AC_BUS_EXPORT_INVALID`, `AC_IMPORT_UNREADABLE`.
   */
  importFrom(file: string): Promise<Result<{ readonly entries: number; readonly runs: number }>>;
}
