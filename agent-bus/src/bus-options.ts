/** The adapters of `message_queue` (DESIGN §4). */
export const busAdapters = ['sqlite'] as const;
export type BusAdapter = (typeof busAdapters)[number];

/** What is told of each fsynced step: `bus:before` just before its commit, `bus:after` when it is durable and not yet answered. */
export type DurableStepHook = (name: 'bus:before' | 'bus:after') => void;

export interface OpenBusOptions {
  readonly adapter: BusAdapter;
  /** Folder of the store, made with mode 0700 where it is absent. */
  readonly folder: string;
  /** Deliveries without completion before a message is buried; 20 where absent (clean releases do not count). */
  readonly maxDeliveries?: number;
  /** Unix milliseconds; the wall clock where absent. */
  readonly now?: () => number;
  /** Called around every fsynced step; a crash test ends the process in it. */
  readonly onDurableStep?: DurableStepHook;
}
