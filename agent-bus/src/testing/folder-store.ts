import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentBus } from '../bus.ts';
import type { FolderBusOptions } from '../bus-options.ts';
import { openBus } from '../open-bus.ts';
import type { ContractStore } from './support.ts';

/** A fresh store of an adapter that keeps the bus in a folder. */
export async function createFolderStore(adapter: FolderBusOptions['adapter']): Promise<ContractStore> {
  const folder = await mkdtemp(join(tmpdir(), `${adapter}-bus-`));
  const opened: AgentBus[] = [];
  return {
    place: { options: { adapter, folder } },
    open: async (options = {}) => {
      const bus = await openBus({ adapter, folder, ...options });
      if (bus.ok) opened.push(bus.value);
      return bus;
    },
    dispose: async () => {
      for (const bus of opened) await bus.close();
      await rm(folder, { recursive: true });
    },
  };
}
