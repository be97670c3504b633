import { failure, success, type Result } from '@agentcompany/protocol';
import type { AgentBus } from './bus.ts';
import { busAdapters, type OpenBusOptions } from './bus-options.ts';
import { busErrors } from './errors.ts';

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

async function loadSqlite() {
  try {
    return success(await import('./adapters/sqlite/open-sqlite-bus.ts'));
  } catch (cause) {
    return failure(busErrors.AC_BUS_ADAPTER_UNAVAILABLE({ adapter: 'sqlite' }, cause));
  }
}
