import { afterAll, beforeAll, describe, it, vi } from 'vitest';
import { busModelContract, createRedisStore, modelOptions, startRedis, type RedisServer } from '../../testing/index.ts';

// A failure is shrunk, which takes many runs more.
vi.setConfig({ testTimeout: 600_000 });

let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.dispose());

describe('Redis beside the model of the bus', () => {
  busModelContract({ it, create: async () => createRedisStore(server), ...modelOptions(process.env) });
});
