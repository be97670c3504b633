import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { failure, success, unwrap, type AppError, type Result } from '@agentcompany/protocol';
import { busErrors } from '../../../errors.ts';
import { newLeaseToken } from '../../../lease-holder.ts';
import { prepareItems } from '../../../outgoing.ts';
import { makeEnvelope, makeRun, testError } from '../../../testing/support.ts';
import { startRedis, type RedisServer } from '../../../testing/start-redis.ts';
import { Compaction } from '../compaction.ts';
import { Graveyard } from '../graveyard.ts';
import type { Reply } from '../link.ts';
import { NamedLeases } from '../named-leases.ts';
import { Steps } from '../steps.ts';
import { Store } from '../store.ts';
import { claimScript } from './claiming.ts';
import { lapseFutureScript, lapseScript } from './leasing.ts';
import type { Script } from './script.ts';
import type { Delivery } from '../../../bus.ts';

vi.setConfig({ testTimeout: 120_000 });

let server: RedisServer;
let client: Redis;
let prefix: string;
let now: number;

beforeAll(async () => {
  server = await startRedis();
  client = new Redis({ path: join(server.folder, 'redis.sock'), protocol: 2, replyMapping: 'legacy' });
});
afterAll(async () => {
  client.disconnect();
  await server.dispose();
});
beforeEach(() => {
  prefix = `{agentcompany:${randomUUID()}}:`;
  now = 1_800_000_000_000;
});

/** The script with its `n`-th call of the server failing; n = 0: none. */
function broken(script: Script, n: number): string {
  return `
local calls, server = 0, redis
local function failing(call, fail)
  return function(...)
    calls = calls + 1
    if calls == ${n} then return fail() end
    return call(...)
  end
end
local redis = { error_reply = server.error_reply,
  call = failing(server.call, function() error({ err = 'ERR injected' }) end),
  pcall = failing(server.pcall, function() return { err = 'ERR injected' } end) }
${script.source}`;
}

/** Runs scripts on the real server as the link does, with the `at`-th call of the next one failing. */
const runner = {
  at: 0,
  async run(
    script: Script,
    argumentsOf: (isRepeated: boolean) => readonly (string | number)[],
  ): Promise<Result<Reply>> {
    try {
      return success(
        (await client.eval(broken(script, runner.at), 1, `${prefix}facts`, ...argumentsOf(false))) as Reply,
      );
    } catch (thrown) {
      if (thrown instanceof Error && thrown.message.includes('injected')) return failure(injected());
      throw thrown;
    }
  },
};

const injected = (): AppError => busErrors.AC_BUS_UNCERTAIN();
const store = (): Store => new Store({ link: runner, address: 'here', now: () => now });

async function contentOf(key: string): Promise<unknown> {
  switch (await client.type(key)) {
    case 'hash':
      return Object.entries(await client.hgetall(key)).toSorted(([left], [right]) => (left < right ? -1 : 1));
    case 'list':
      return client.lrange(key, 0, -1);
    case 'set':
      return (await client.smembers(key)).toSorted();
    case 'zset':
      return client.zrange(key, '0', '-1', 'WITHSCORES');
    case 'stream':
      return client.xrange(key, '-', '+');
    default:
      return client.get(key);
  }
}

/** All that the store holds, key by key. */
async function everything(): Promise<Record<string, unknown>> {
  const keys = (await client.keys(`${prefix}*`)).toSorted();
  const all: Record<string, unknown> = {};
  for (const key of keys) all[key.slice(prefix.length)] = await contentOf(key);
  return all;
}

/**
 * Does `work` with every single call of the server failing in its turn: each time the store is as it was before. Then once more without.
 * Resolves to the number of calls that were made to fail.
 */
async function failAtEveryCall(work: () => Promise<Result<unknown>>): Promise<number> {
  const before = await everything();
  for (let at = 1; ; at += 1) {
    runner.at = at;
    const result = await work();
    if (result.ok) {
      runner.at = 0;
      expect(await everything()).not.toEqual(before);
      return at - 1;
    }
    runner.at = 0;
    expect(await everything(), `call ${at}`).toEqual(before);
  }
}

async function send(count: number, notBefore = 0): Promise<void> {
  const items = makeRun(count).envelopes.map((envelope) => ({ envelope, notBefore }));
  unwrap(await new Steps(store()).send(unwrap(prepareItems(items)), undefined));
}

async function claim(max: number, leaseMs = 1000, queue = 'workers'): Promise<readonly Delivery[]> {
  const token = newLeaseToken();
  const { rest } = unwrap(await store().run(claimScript, [queue, max, leaseMs, token, 20, '', 0]));
  const told = rest[1] as readonly string[];
  return Array.from({ length: told.length / 4 }, (_unused, index) => {
    const [, head = '', json, counted = ''] = told.slice(4 * index);
    const [, , seq, , stream] = head.split('|');
    const [count, epoch] = counted.split('|');
    const envelope = JSON.parse(json ?? '') as Delivery['envelope'];
    const numbers = { seq: Number(seq), count: Number(count), epoch: Number(epoch), leaseUntil: 0 };
    return { queue, stream: stream ?? '', envelope, token, ...numbers };
  });
}

describe('C6 an error at any call inside a script leaves nothing half-done', () => {
  it('C6 send: new, known, to several queues, delayed', async () => {
    await send(3);
    const known = makeEnvelope();
    const steps = new Steps(store());
    unwrap(await steps.send(unwrap(prepareItems([{ envelope: known, queue: 'early' }])), undefined));
    const { envelopes, run } = makeRun(3);
    const items = [
      { envelope: known },
      { envelope: envelopes[0]! },
      { envelope: envelopes[0]!, queue: 'audit' },
      { envelope: envelopes[1]!, notBefore: now + 5000 },
      { envelope: envelopes[2]!, queue: null },
    ];
    const calls = await failAtEveryCall(() => steps.send(unwrap(prepareItems(items)), { stream: run, version: 0 }));
    expect(calls).toBeGreaterThan(15);
  });

  it('C6 send to consumers that wait: one that is gone, one that is there', async () => {
    const listener = new Redis({ path: join(server.folder, 'redis.sock'), protocol: 2, replyMapping: 'legacy' });
    const told: string[] = [];
    listener.on('message', (_channel, text: string) => told.push(text));
    await listener.subscribe(`${prefix}to:here`);
    try {
      await send(1);
      await claim(1);
      for (const waiter of ['gone t1 1 1000', 'here t2 2 1000', 'here t3 1 1000'])
        unwrap(await store().run(claimScript, ['workers', 1, 1000, waiter.split(' ')[1]!, 20, waiter, 0]));
      const items = makeRun(3).envelopes.map((envelope) => ({ envelope }));
      expect(
        await failAtEveryCall(() => new Steps(store()).send(unwrap(prepareItems(items)), undefined)),
      ).toBeGreaterThan(1);
      expect(await client.exists(`${prefix}waiters:workers`, `${prefix}queue:workers`)).toBe(0);
      expect(await client.zcard(`${prefix}leased:workers`)).toBe(4);
      await vi.waitUntil(() => told.length >= 2);
      const offered = told.slice(-2).map((text) => (JSON.parse(text) as readonly string[])[1]);
      expect(offered).toEqual(['t2', 't3']);
    } finally {
      listener.disconnect();
    }
  });

  it('C6 the very first send', async () => {
    expect(
      await failAtEveryCall(() =>
        new Steps(store()).send(unwrap(prepareItems([{ envelope: makeEnvelope() }])), undefined),
      ),
    ).toBeGreaterThan(1);
  });

  it('C6 claim: from the list, lapsed leases and due timers', async () => {
    await send(4);
    await send(2, now + 500);
    await claim(2);
    now += 2000;
    expect(
      await failAtEveryCall(() => store().run(claimScript, ['workers', 5, 1000, newLeaseToken(), 20, '', 0])),
    ).toBeGreaterThan(1);
  });

  it('C6 complete: leased and lapsed deliveries with what follows from them', async () => {
    await send(3);
    const leased = await claim(3, 1000);
    now += 2000;
    await claim(1, 60_000);
    const [lapsed, other] = leased.slice(1);
    const completions = [
      { delivery: lapsed!, items: unwrap(prepareItems([{ envelope: makeEnvelope(), queue: 'next' }])) },
      { delivery: other!, items: unwrap(prepareItems([{ envelope: makeEnvelope(), queue: null }])) },
    ];
    expect(await failAtEveryCall(() => new Steps(store()).complete(completions, undefined))).toBeGreaterThan(1);
  });

  it('C6 complete: several that are leased for the first and for the second time, of two queues', async () => {
    await send(2);
    await claim(2);
    now += 2000;
    await send(2);
    const { envelopes } = makeRun(1);
    unwrap(
      await new Steps(store()).send(unwrap(prepareItems([{ envelope: envelopes[0]!, queue: 'others' }])), undefined),
    );
    const leased = [...(await claim(4)), ...(await claim(1, 1000, 'others'))];
    expect(leased.map(({ count }) => count)).toEqual([2, 2, 1, 1, 1]);
    const completions = leased.map((delivery) => ({ delivery, items: [] }));
    const steps = new Steps(store());
    expect(await failAtEveryCall(() => steps.complete(completions, undefined))).toBeGreaterThan(1);
    expect(unwrap(await steps.complete(completions, undefined)).entries).toEqual([]);
    const records = [
      ...(await client.hvals(`${prefix}deliveries:workers`)),
      ...(await client.hvals(`${prefix}deliveries:others`)),
    ];
    expect(records.map((record) => record.split('|').slice(0, 5).join('|')).toSorted()).toEqual([
      'c|1|2|2|0',
      'c|2|2|2|0',
      'c|3|1|1|0',
      'c|4|1|1|0',
      'c|5|1|1|0',
    ]);
  });

  it('C6 reject, requeue, purge', async () => {
    await send(2);
    const [one, two] = await claim(2);
    const steps = new Steps(store());
    const items = unwrap(prepareItems([{ envelope: makeEnvelope(), queue: 'next' }]));
    expect(await failAtEveryCall(() => steps.reject(one!, testError, items))).toBeGreaterThan(1);
    unwrap(await steps.reject(two!, testError, []));
    const graveyard = new Graveyard(store());
    const [first, second] = unwrap(await graveyard.list());
    expect(await failAtEveryCall(() => graveyard.requeue(first!.id))).toBeGreaterThan(1);
    expect(await failAtEveryCall(() => graveyard.purge(second!.id))).toBeGreaterThan(1);
  });

  it('C6 extend and release: leased, lapsed, delayed', async () => {
    await send(4);
    const [leased, given, put, lapsed] = await claim(4);
    const steps = new Steps(store());
    now += 1;
    expect(await failAtEveryCall(() => steps.extend(leased!, 60_000))).toBeGreaterThan(1);
    expect(await failAtEveryCall(() => steps.release(given!, 0))).toBeGreaterThan(1);
    expect(await failAtEveryCall(() => steps.release(put!, now + 5000))).toBeGreaterThan(1);
    now += 2000;
    await claim(1, 60_000);
    expect(await failAtEveryCall(() => steps.extend(lapsed!, 60_000))).toBeGreaterThan(1);
  });

  it('C6 leases of those who are gone, leases that begin in the future, named leases', async () => {
    await send(2);
    const [delivery] = await claim(2);
    const leases = new NamedLeases(store());
    const { token } = unwrap(await leases.acquire('engine', 'me', 1000));
    const position = (await client.zrange(`${prefix}leased:workers`, '0', '0'))[0]!;
    const values = [1, 'workers', position, delivery!.token, 1, 'engine', token];
    expect(await failAtEveryCall(() => store().run(lapseScript, values))).toBeGreaterThan(1);
    now -= 86_400_000;
    expect(await failAtEveryCall(() => store().run(lapseFutureScript, []))).toBeGreaterThan(1);
    const again = unwrap(await leases.acquire('other', 'me', 1000));
    now += 1;
    expect(await failAtEveryCall(() => leases.extend('other', again.token, 1000))).toBeGreaterThan(1);
    expect(await failAtEveryCall(() => leases.release('other', again.token))).toBeGreaterThan(1);
    expect(await failAtEveryCall(() => leases.acquire('other', 'you', 1000))).toBeGreaterThan(1);
  });

  it('C6 a compaction goes forward: the next one ends what an error left', async () => {
    const { run, envelopes } = makeRun(3);
    const steps = new Steps(store());
    unwrap(await steps.send(unwrap(prepareItems(envelopes.map((envelope) => ({ envelope, queue: null })))), undefined));
    await send(1);
    now += 86_400_000;
    const compaction = new Compaction(store());
    const before = await everything();
    const states = new Set<string>();
    let isDone = false;
    for (let at = 1; !isDone; at += 1) {
      const keys = Object.keys(before);
      runner.at = at;
      isDone = (await compaction.compact(now, [run])).ok;
      runner.at = 0;
      unwrap(await compaction.compact(now, [run]));
      const after = await everything();
      states.add(JSON.stringify(after));
      expect(await client.exists(`${prefix}stream:${run}`), `call ${at}`).toBe(0);
      const repeated = unwrap(
        await steps.send(unwrap(prepareItems([{ envelope: envelopes[0]!, queue: 'late' }])), undefined),
      );
      expect(repeated.entries.map(({ seq, position }) => [seq, position])).toEqual([[1, 1]]);
      await client.del(...Object.keys(after).map((key) => `${prefix}${key}`));
      await restore(before, keys);
    }
    expect(states.size).toBe(1);
  });
});

/** Writes back what `everything` told. */
async function restore(all: Readonly<Record<string, unknown>>, keys: readonly string[]): Promise<void> {
  for (const name of keys) {
    const key = `${prefix}${name}`;
    const content = all[name] as readonly (readonly string[])[];
    if (name === 'ledger')
      for (const [id, fields] of content) await client.xadd(key, id!, ...(fields as unknown as string[]));
    else if (name === 'queues') await client.sadd(key, ...(content as unknown as string[]));
    else if (name === 'streams') {
      const flat = content as unknown as readonly string[];
      for (let index = 0; index < flat.length; index += 2) await client.zadd(key, flat[index + 1]!, flat[index]!);
    } else if (/^(stream|queue):/.test(name)) await client.rpush(key, ...(content as unknown as string[]));
    else for (const [field, value] of content) await client.hset(key, field!, value!);
  }
}
