import { afterAll, beforeAll, describe, it, vi } from 'vitest';
import { busContract, createRedisStore, startRedis, type RedisServer } from '../../testing/index.ts';

// Payloads of 16 MiB and fsyncs of a loaded machine.
vi.setConfig({ testTimeout: 60_000 });

let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.dispose());

describe('the bus contract on Redis', () => {
  busContract({
    it,
    create: async () => createRedisStore(server),
    capabilities: { fifo: true, crossMachine: true, maxPayloadBytes: 16 * 1024 * 1024, latencyClass: 'network' },
  });
});
