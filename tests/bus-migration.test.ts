import type { AgentBus } from '@agentcompany/agent-bus';
import {
  createFolderStore,
  createRedisStore,
  startRedis,
  type ContractStore,
  type RedisServer,
} from '@agentcompany/agent-bus/testing';
import { unwrap, type BusRecord } from '@agentcompany/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { furnish } from '../agent-bus/src/testing/furnished.ts';
import { comparable, recordsOf, streamed } from '../agent-bus/src/testing/records.ts';
import { claim, claimOne, ids, TestClock } from '../agent-bus/src/testing/support.ts';

const stores: ContractStore[] = [];
let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.dispose());
afterEach(async () => {
  for (const store of stores.splice(0)) await store.dispose();
});

const makers = {
  file: () => createFolderStore('file'),
  sqlite: () => createFolderStore('sqlite'),
  redis: async () => createRedisStore(server),
};
type Adapter = keyof typeof makers;

async function open(adapter: Adapter, clock: TestClock): Promise<AgentBus> {
  const store = await makers[adapter]();
  stores.push(store);
  return unwrap(await store.open({ now: clock.now }));
}

/** Takes the records through the adapters, one after another; each gives what it took. */
async function carry(
  records: readonly BusRecord[],
  way: readonly Adapter[],
  clock: TestClock,
): Promise<{ readonly bus: AgentBus; readonly records: readonly BusRecord[] }> {
  const [first, ...rest] = way;
  const bus = await open(first!, clock);
  unwrap(await bus.importRecords(streamed(records)));
  const taken = await recordsOf(bus);
  expect(comparable(taken)).toEqual(comparable(records));
  return rest.length === 0 ? { bus, records: taken } : carry(taken, rest, clock);
}

describe('a bus taken from one adapter to another', { timeout: 60_000 }, () => {
  it.each([
    ['file', 'over SQLite and Redis and back, twice', ['sqlite', 'redis', 'file', 'redis', 'sqlite', 'file']],
    ['sqlite', 'over a file and Redis and back', ['file', 'redis', 'sqlite']],
    ['redis', 'over SQLite and a file and back', ['sqlite', 'file', 'redis']],
  ] as const)('C3 goes from %s %s and keeps every envelope byte-equal', async (from, _how, way) => {
    const clock = new TestClock();
    const origin = await open(from, clock);
    const furnishings = await furnish(origin, clock);
    const sent = unwrap(await origin.readAll({ after: 0, limit: 1000 }));
    const { bus } = await carry(await recordsOf(origin), way, clock);
    const kept = unwrap(await bus.readAll({ after: 0, limit: 1000 }));
    expect(JSON.stringify(kept)).toBe(JSON.stringify(sent));
    expect(unwrap(await bus.deadLetters())).toEqual(unwrap(await origin.deadLetters()));
    expect(ids(await claim(bus, 'workers'))).toEqual(furnishings.workers.map(({ id }) => id));
    expect((await claimOne(bus, 'held')).epoch).toBe(furnishings.held.epoch + 1);
    expect(unwrap(await bus.acquireLease('engine', 'moved', 1000)).epoch).toBe(furnishings.epoch + 1);
  });
});
