import { afterAll, beforeAll, describe, it, vi } from 'vitest';
import { busProcessContract, createRedisStore, startRedis, type RedisServer } from '../../testing/index.ts';

vi.setConfig({ testTimeout: 240_000 });

let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.dispose());

describe('several processes on one Redis bus', () => {
  busProcessContract({ it, create: async () => createRedisStore(server) });
});
