import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, it, vi } from 'vitest';
import {
  busContract,
  busUnreadableContract,
  createRedisStore,
  startRedis,
  type ContractStore,
  type RedisServer,
} from '../../testing/index.ts';

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
  busUnreadableContract({ it, create: async () => createRedisStore(server), spoil });
});

/** An entry of a stream cannot be changed: the whole ledger is written anew. */
async function spoil(store: ContractStore, id: string, text: string): Promise<void> {
  const namespace = new URLSearchParams(String(store.place.options['url']).split('?')[1]).get('namespace');
  const ledger = `{agentcompany:${namespace}}:ledger`;
  const client = new Redis({ path: join(server.folder, 'redis.sock'), protocol: 2, replyMapping: 'legacy' });
  const entries = await client.xrange(ledger, '-', '+');
  await client.del(ledger);
  for (const [position, fields] of entries) {
    const isSpoilt = fields[1]?.startsWith(`${id}|`) === true;
    await client.xadd(ledger, position, ...fields.map((field, index) => (isSpoilt && index === 3 ? text : field)));
  }
  client.disconnect();
}
