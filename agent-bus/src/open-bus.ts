import { failure, success, type Result } from '@agentcompany/protocol';
import type { AgentBus } from './bus.ts';
import { busErrors } from './errors.ts';

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

/**
 * Opens the bus; the adapter's library is loaded only here. The caller closes it.
 * Errors: `AC_BUS_ADAPTER_UNKNOWN`, `AC_BUS_ADAPTER_UNAVAILABLE`, `AC_BUS_OPEN`, `AC_BUS_NETWORK_FS`, `AC_BUS_SCHEMA_NEWER`, `AC_BUS_CORRUPT`.
 */
export async function openBus(options: OpenBusOptions): Promise<Result<AgentBus>> {
  const adapter: string = options.adapter;
  if (adapter !== 'sqlite') {
    return failure(busErrors.AC_BUS_ADAPTER_UNKNOWN({ adapter, known: busAdapters.join(', ') }));
  }
  const module = await loadSqlite();
  return module.ok ? module.value.openSqliteBus(options) : module;
}

async function loadSqlite(): Promise<Result<typeof import('./adapters/sqlite/open-sqlite-bus.ts')>> {
  try {
    return success(await import('./adapters/sqlite/open-sqlite-bus.ts'));
  } catch (cause) {
    return failure(busErrors.AC_BUS_ADAPTER_UNAVAILABLE({ adapter: 'sqlite' }, cause));
  }
}
