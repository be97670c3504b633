/** The adapters of `message_queue` (DESIGN §4). */
export const busAdapters = ['file', 'sqlite', 'redis'] as const;
export type BusAdapter = (typeof busAdapters)[number];

/** What is told of each fsynced step: `bus:before` just before its commit, `bus:after` when it is durable and not yet answered. */
export type DurableStepHook = (name: 'bus:before' | 'bus:after') => void;

export interface CommonBusOptions {
  /** Deliveries without completion before a message is buried; 20 where absent (clean releases do not count). */
  readonly maxDeliveries?: number;
  /** Unix milliseconds; where absent the wall clock, on Redis the server's. Instances on one store are given the same one, or none. */
  readonly now?: () => number;
  /** Called around every fsynced step; a crash test ends the process in it. */
  readonly onDurableStep?: DurableStepHook;
}

export interface FolderBusOptions extends CommonBusOptions {
  readonly adapter: 'file' | 'sqlite';
  /** Folder of the store, made with mode 0700 where it is absent. */
  readonly folder: string;
}

export interface RedisBusOptions extends CommonBusOptions {
  readonly adapter: 'redis';
  /**
   * `redis://`, `rediss://`, `redis+unix:///path/of/socket` or `redis+sentinel://host:port,host:port/<master>`; `?namespace=` keeps several
   * companies apart on one server.
   */
  readonly url: string;
  /** Take a server that may lose what it acknowledged (`accept_volatile`). */
  readonly acceptVolatile?: boolean;
}

export type OpenBusOptions = FolderBusOptions | RedisBusOptions;
