import { readdir, truncate, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { success, unwrap, type BusRecord, type Result } from '@agentcompany/protocol';
import type { AgentBus } from '../../bus.ts';
import { startRedis, type RedisServer, type StartRedisOptions } from '../../testing/start-redis.ts';
import { startTcpProxy } from '../../testing/tcp-proxy.ts';
import { makeEnvelope, makeRun } from '../../testing/support.ts';
import { openRedisBus, type OpenRedisOptions } from './open-redis-bus.ts';

vi.setConfig({ testTimeout: 60_000 });

const undoing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const undo of undoing.splice(0).toReversed()) await undo();
});

async function serve(options?: StartRedisOptions): Promise<RedisServer> {
  const server = await startRedis(options);
  undoing.push(() => server.dispose());
  return server;
}

async function open(url: string, options: Partial<OpenRedisOptions> = {}): Promise<AgentBus> {
  const bus = unwrap(await openRedisBus({ url, ...options }));
  undoing.push(() => bus.close());
  return bus;
}

function admin(server: RedisServer): Redis {
  const client = new Redis({ path: join(server.folder, 'redis.sock'), protocol: 2, replyMapping: 'legacy' });
  undoing.push(async () => client.disconnect());
  return client;
}

const codeOf = (result: Result<unknown>): string => (result.ok ? 'ok' : result.error.code);
const sendOne = (bus: AgentBus, envelope = makeEnvelope()) => bus.send([{ envelope }]);
/** The first record of this kind, null where there is none. */
async function headOf(
  records: AsyncIterable<Result<BusRecord>>,
  kind: BusRecord['kind'],
): Promise<Result<BusRecord | null>> {
  for await (const record of records) if (!record.ok || record.value.kind === kind) return record;
  return success(null);
}
const idsIn = async (bus: AgentBus): Promise<readonly string[]> =>
  unwrap(await bus.readAll({ after: 0, limit: 100_000 })).map(({ envelope }) => envelope.id);

describe('S70 a server that may lose what it acknowledged', () => {
  const cases = [
    ['appendonly', 'no', 'yes'],
    ['appendfsync', 'everysec', 'always'],
    ['no-appendfsync-on-rewrite', 'yes', 'no'],
    ['maxmemory-policy', 'allkeys-lru', 'noeviction'],
  ] as const;
  for (const [setting, value, wanted] of cases) {
    it(`S70 is refused by name: ${setting} ${value}, unless that is accepted`, async () => {
      const server = await serve({ settings: { [setting]: value } });
      const refused = await openRedisBus({ url: server.url });
      expect(codeOf(refused)).toBe('AC_BUS_VOLATILE');
      if (!refused.ok) {
        expect(refused.error.message).toContain(`${setting} is ${value}`);
        expect(refused.error.remedy).toContain(`Set ${setting} to ${wanted}`);
      }
      unwrap(await sendOne(await open(server.url, { acceptVolatile: true })));
    });
  }

  it('S70 is refused where the server does not tell', async () => {
    const server = await serve();
    await admin(server).acl('SETUSER', 'worker', 'on', '>secret', '~*', '&*', '+@all', '-config');
    const url = server.url.replace('redis+unix://', 'redis+unix://worker:secret@');
    const refused = await openRedisBus({ url });
    expect(codeOf(refused)).toBe('AC_BUS_VOLATILE');
    expect(JSON.stringify(refused)).toMatch(/CONFIG GET is forbidden/);
    unwrap(await sendOne(await open(url, { acceptVolatile: true })));
  });

  it('S70 is noticed when its settings change while the connection is away', async () => {
    const server = await serve();
    const bus = await open(server.url);
    await server.kill();
    await server.start({ appendfsync: 'no' });
    expect(codeOf(await sendOne(bus))).toBe('AC_BUS_VOLATILE');
  });
});

describe('what is refused at the door of a Redis server', () => {
  it('S83 a version that is too old is refused by name', async () => {
    const server = await serve({ port: true });
    const older = (said: Buffer): Buffer =>
      Buffer.from(said.toString('latin1').replace(/redis_version:\d\.\d/, 'redis_version:5.0'), 'latin1');
    const proxy = await startTcpProxy(server.port, older);
    undoing.push(() => proxy.close());
    const refused = await openRedisBus({ url: `redis://127.0.0.1:${proxy.port}` });
    expect(codeOf(refused)).toBe('AC_BUS_SERVER_OLD');
    expect(JSON.stringify(refused)).toMatch(/is Redis 5\.0/);
  });

  it('S83 a store of a newer layout is refused', async () => {
    const server = await serve();
    const bus = await open(server.url);
    await admin(server).hset('{agentcompany:main}:facts', 'schema', '2');
    expect(codeOf(await openRedisBus({ url: server.url }))).toBe('AC_BUS_SCHEMA_NEWER');
    unwrap(await sendOne(bus));
  });

  it('a wrong password is told without being shown', async () => {
    const server = await serve({ settings: { requirepass: 'right' } });
    const url = (login: string): string => server.url.replace('redis+unix://', `redis+unix://${login}@`);
    for (const login of [':wrong-one', 'nobody:wrong-one']) {
      const refused = await openRedisBus({ url: url(login) });
      expect(codeOf(refused)).toBe('AC_BUS_LOGIN');
      expect(JSON.stringify(refused)).not.toContain('wrong-one');
    }
    expect(codeOf(await openRedisBus({ url: server.url }))).toBe('AC_BUS_LOGIN');
    unwrap(await sendOne(await open(url(':right'))));
  });

  it('a server that is not there is AC_BUS_AWAY after a while', async () => {
    const server = await serve();
    await server.kill();
    const refused = await openRedisBus({ url: server.url, patience: 200 });
    expect(codeOf(refused)).toBe('AC_BUS_AWAY');
    if (!refused.ok) expect(refused.error.retry).toBe('later');
  });

  it('a replica is no place to write to', async () => {
    const primary = await serve({ port: true });
    const replica = await serve({ settings: { replicaof: `127.0.0.1 ${primary.port}` } });
    const refused = await openRedisBus({ url: replica.url, patience: 500 });
    expect(codeOf(refused)).toBe('AC_BUS_AWAY');
    expect(JSON.stringify(refused)).toMatch(/replica/);
  });
});

describe('C6 S71 a server or a connection that goes away', () => {
  it('S71 is told to producers within their patience, never as a success; a waiting consumer goes on when it is back', async () => {
    const server = await serve();
    const bus = await open(server.url, { patience: 300 });
    const first = makeEnvelope();
    unwrap(await sendOne(bus, first));
    const [held] = unwrap(await bus.receive('workers', { max: 1, waitMs: 0, leaseMs: 60_000 }));
    await server.kill();
    const waiting = bus.receive('workers', { max: 1, waitMs: 50_000, leaseMs: 60_000 });
    const away = makeEnvelope();
    expect(codeOf(await sendOne(bus, away))).toMatch(/^AC_BUS_(AWAY|UNCERTAIN)$/);
    expect(codeOf(await bus.complete(held!, []))).toMatch(/^AC_BUS_(AWAY|UNCERTAIN)$/);
    await server.start();
    const next = makeEnvelope();
    const sender = await open(server.url);
    unwrap(await sendOne(sender, next));
    expect(unwrap(await waiting).map(({ envelope }) => envelope.id)).toEqual([next.id]);
    unwrap(await bus.complete(held!, []));
    expect(await idsIn(sender)).toEqual([first.id, next.id]);
  });

  it('C6 S71 killed in the middle of traffic and started again: what was acknowledged is there, once, in order', async () => {
    const server = await serve();
    const [sender, consumer] = [await open(server.url), await open(server.url)];
    const { run, envelopes } = makeRun(300);
    const acknowledged: string[] = [];
    const sending = (async () => {
      for (let index = 0; index < envelopes.length; index += 10) {
        const lot = envelopes.slice(index, index + 10);
        const results = await Promise.all(lot.map((envelope) => sender.send([{ envelope }])));
        for (const [at, result] of results.entries()) if (result.ok) acknowledged.push(lot[at]!.id);
      }
    })();
    const handled: string[] = [];
    const stop = new AbortController();
    const handling = (async () => {
      while (!stop.signal.aborted) {
        const deliveries = unwrap(
          await consumer.receive('workers', { max: 7, waitMs: 60_000, leaseMs: 60_000, signal: stop.signal }),
        );
        for (const delivery of deliveries) {
          const answer = makeEnvelope({ context: { run_id: run }, inReplyTo: delivery.envelope.id });
          unwrap(await consumer.complete(delivery, [{ envelope: answer, queue: null }]));
          handled.push(delivery.envelope.id);
        }
        if (handled.length === envelopes.length) stop.abort();
      }
    })();
    for (const limit of [50, 150]) {
      await vi.waitUntil(() => handled.length >= limit, { timeout: 30_000, interval: 1 });
      await server.kill();
      await server.start();
    }
    await sending;
    await handling;
    expect(acknowledged).toEqual(envelopes.map(({ id }) => id));
    expect(handled.toSorted()).toEqual(envelopes.map(({ id }) => id).toSorted());
    const entries = unwrap(await sender.readStream(run, { after: 0 }));
    expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 600 }, (_unused, index) => index + 1));
    const answers = entries.flatMap(({ envelope }) => envelope.inReplyTo ?? []);
    expect(answers.toSorted()).toEqual(envelopes.map(({ id }) => id).toSorted());
  });

  it('C6 an answer that is lost on the way is asked for again: every call is done once', async () => {
    const server = await serve({ port: true });
    const proxy = await startTcpProxy(server.port);
    undoing.push(() => proxy.close());
    const bus = await open(`redis://127.0.0.1:${proxy.port}`);
    const direct = await open(server.url);
    const losing = async <Value>(call: () => Promise<Value>, isDone: () => Promise<boolean>): Promise<Value> => {
      proxy.muffle(true);
      const answer = call();
      await vi.waitUntil(isDone, { timeout: 20_000, interval: 1 });
      proxy.muffle(false);
      proxy.cut();
      return answer;
    };
    const { envelopes } = makeRun(3);
    const countOf = async (): Promise<number> => unwrap(await direct.lastPosition());
    const sent = unwrap(
      await losing(
        () => bus.send(envelopes.map((envelope) => ({ envelope }))),
        async () => (await countOf()) === 3,
      ),
    );
    expect(sent.entries.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    const leased = async (): Promise<number> => unwrap(await direct.queues())[0]!.leased;
    const claimed = unwrap(
      await losing(
        () => bus.receive('workers', { max: 2, waitMs: 0, leaseMs: 60_000 }),
        async () => (await leased()) === 2,
      ),
    );
    expect(claimed.map(({ count, epoch }) => [count, epoch])).toEqual([
      [1, 1],
      [1, 1],
    ]);
    const answer = makeEnvelope();
    const completed = unwrap(
      await losing(
        () => bus.complete(claimed[0]!, [{ envelope: answer, queue: null }]),
        async () => (await countOf()) === 4,
      ),
    );
    expect(completed.entries.map(({ envelope }) => envelope.id)).toEqual([answer.id]);
    unwrap(
      await losing(
        () => bus.release(claimed[1]!),
        async () => (await leased()) === 0,
      ),
    );
    const again = unwrap(await bus.receive('workers', { max: 5, waitMs: 0, leaseMs: 60_000 }));
    expect(again.map(({ count }) => count)).toEqual([1, 1]);
    const lease = unwrap(
      await losing(
        () => bus.acquireLease('engine', 'me', 60_000),
        async () => unwrap(await headOf(direct.exportRecords(), 'lease')) !== null,
      ),
    );
    expect(lease.epoch).toBe(1);
    expect(codeOf(await direct.acquireLease('engine', 'you', 60_000))).toBe('AC_BUS_LEASE_HELD');
  });

  it('C6 an emptied cache of scripts costs one more round trip', async () => {
    const server = await serve();
    const bus = await open(server.url);
    await admin(server).script('FLUSH');
    unwrap(await sendOne(bus));
    expect(unwrap(await bus.receive('workers', { max: 1, waitMs: 0, leaseMs: 1000 }))).toHaveLength(1);
  });

  it('C6 a connection that is cut comes back by itself, for watchers and consumers too', async () => {
    const server = await serve({ port: true });
    const proxy = await startTcpProxy(server.port);
    undoing.push(() => proxy.close());
    const bus = await open(`redis://127.0.0.1:${proxy.port}`);
    const direct = await open(server.url);
    const stop = new AbortController();
    const watched = bus.watch({ after: 0, signal: stop.signal })[Symbol.asyncIterator]();
    const seen = watched.next();
    const waiting = bus.receive('workers', { max: 1, waitMs: 50_000, leaseMs: 1000 });
    proxy.cut();
    const envelope = makeEnvelope();
    unwrap(await sendOne(direct, envelope));
    expect(unwrap(await waiting)[0]?.envelope.id).toBe(envelope.id);
    expect((await seen).value?.envelope.id).toBe(envelope.id);
    stop.abort();
  });
});

describe('S69 S71 a server that comes back with less, or has no room', () => {
  it('S69 an append-only file cut by five bytes: what is left is served, and who knew more is told and stops', async () => {
    const server = await serve();
    const bus = await open(server.url);
    const { envelopes } = makeRun(5);
    for (const envelope of envelopes) unwrap(await bus.send([{ envelope, queue: null }]));
    await server.kill();
    const folder = join(server.folder, 'appendonlydir');
    const name = (await readdir(folder)).find((file) => file.endsWith('.incr.aof'))!;
    await truncate(join(folder, name), (await stat(join(folder, name))).size - 5);
    await server.start();
    const refused = await sendOne(bus);
    expect(codeOf(refused)).toBe('AC_BUS_LOST');
    if (!refused.ok) expect(refused.error.message).toContain('it is at position 4, and was at 5');
    expect(codeOf(await bus.queues())).toBe('AC_BUS_LOST');
    const after = await open(server.url);
    expect(await idsIn(after)).toEqual(envelopes.slice(0, 4).map(({ id }) => id));
    unwrap(await after.send([{ envelope: envelopes[4]!, queue: null }]));
    expect(await idsIn(after)).toEqual(envelopes.map(({ id }) => id));
  });

  it('S69 a store that was emptied is told', async () => {
    const server = await serve();
    const bus = await open(server.url);
    await admin(server).flushall();
    await admin(server).call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await vi.waitUntil(async () => codeOf(await sendOne(bus)) !== 'ok', { timeout: 10_000 });
    expect(codeOf(await sendOne(bus))).toBe('AC_BUS_LOST');
  });

  it('S71 memory that is spent refuses what is new and keeps it whole; what waits can still be received and completed', async () => {
    const server = await serve();
    const bus = await open(server.url);
    const [task, more] = makeRun(2).envelopes;
    unwrap(await sendOne(bus, task));
    await admin(server).config('SET', 'maxmemory', '1');
    expect(codeOf(await sendOne(await open(server.url), more))).toBe('AC_BUS_SERVER_FULL');
    const [delivery] = unwrap(await bus.receive('workers', { max: 1, waitMs: 0, leaseMs: 60_000 }));
    expect(codeOf(await bus.complete(delivery!, [{ envelope: more! }]))).toBe('AC_BUS_SERVER_FULL');
    unwrap(await bus.complete(delivery!, []));
    await admin(server).config('SET', 'maxmemory', '0');
    unwrap(await sendOne(bus, more));
    expect(await idsIn(bus)).toEqual([task!.id, more!.id]);
  });
});
