import { failure, success, type Result } from '@agentcompany/protocol';
import type { AgentBus } from './bus.ts';
import { busAdapters, type OpenBusOptions } from './bus-options.ts';
import { busErrors } from './errors.ts';

/**
 * Opens the bus; the adapter's library is loaded only here. The caller closes it.
 * Errors: `AC_BUS_ADAPTER_UNKNOWN`, `AC_BUS_ADAPTER_UNAVAILABLE`, `AC_BUS_SCHEMA_NEWER`, `AC_BUS_CORRUPT`; of a folder `AC_BUS_OPEN`,
 * `AC_BUS_NETWORK_FS`; of a server `AC_BUS_URL`, `AC_BUS_AWAY`, `AC_BUS_LOGIN`, `AC_BUS_SERVER_OLD`, `AC_BUS_VOLATILE`.
 */
export async function openBus(options: OpenBusOptions): Promise<Result<AgentBus>> {
  switch (options.adapter) {
    case 'file': {
      const module = await loaded('file', () => import('./adapters/file/open-file-bus.ts'));
      return module.ok ? module.value.openFileBus(options) : module;
    }
    case 'sqlite': {
      const module = await loaded('sqlite', () => import('./adapters/sqlite/open-sqlite-bus.ts'));
      return module.ok ? module.value.openSqliteBus(options) : module;
    }
    case 'redis': {
      const module = await loaded('redis', () => import('./adapters/redis/open-redis-bus.ts'));
      return module.ok ? module.value.openRedisBus(options) : module;
    }
    default: {
      const { adapter } = options as OpenBusOptions;
      return failure(busErrors.AC_BUS_ADAPTER_UNKNOWN({ adapter, known: busAdapters.join(', ') }));
    }
  }
}

async function loaded<Module>(adapter: string, load: () => Promise<Module>): Promise<Result<Module>> {
  try {
    return success(await load());
  } catch (cause) {
    return failure(busErrors.AC_BUS_ADAPTER_UNAVAILABLE({ adapter }, cause));
  }
}
