import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, it, vi } from 'vitest';
import type { AgentBus } from '../../bus.ts';
import { openBus } from '../../open-bus.ts';
import { busContract, startRedis, type ContractStore, type RedisServer } from '../../testing/index.ts';

// Payloads of 16 MiB and fsyncs of a loaded machine.
vi.setConfig({ testTimeout: 60_000 });

let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.dispose());

async function create(): Promise<ContractStore> {
  const options = { adapter: 'redis', url: `${server.url}?namespace=${randomUUID()}` } as const;
  const opened: AgentBus[] = [];
  return {
    place: { options },
    open: async (instance = {}) => {
      const bus = await openBus({ ...options, ...instance });
      if (bus.ok) opened.push(bus.value);
      return bus;
    },
    dispose: async () => {
      for (const bus of opened) await bus.close();
    },
  };
}

describe('the bus contract on Redis', () => {
  busContract({
    it,
    create,
    capabilities: { fifo: true, crossMachine: true, maxPayloadBytes: 16 * 1024 * 1024, latencyClass: 'network' },
  });
});
