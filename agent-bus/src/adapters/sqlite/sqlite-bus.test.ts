import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, vi } from 'vitest';
import type { AgentBus } from '../../bus.ts';
import { openBus } from '../../open-bus.ts';
import { busContract, type ContractStore } from '../../testing/index.ts';

// Payloads of 16 MiB and fsyncs of a loaded machine.
vi.setConfig({ testTimeout: 60_000 });

async function create(): Promise<ContractStore> {
  const folder = await mkdtemp(join(tmpdir(), 'sqlite-bus-'));
  const opened: AgentBus[] = [];
  return {
    open: async (options = {}) => {
      const bus = await openBus({ adapter: 'sqlite', folder, ...options });
      if (bus.ok) opened.push(bus.value);
      return bus;
    },
    dispose: async () => {
      for (const bus of opened) await bus.close();
      await rm(folder, { recursive: true });
    },
  };
}

describe('the bus contract on SQLite', () => {
  busContract({
    it,
    create,
    capabilities: { fifo: true, crossMachine: false, maxPayloadBytes: 16 * 1024 * 1024, latencyClass: 'host' },
  });
});
