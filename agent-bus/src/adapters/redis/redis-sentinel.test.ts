import { Redis } from 'ioredis';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { unwrap } from '@agentcompany/protocol';
import { startRedis } from '../../testing/start-redis.ts';
import { startSentinel } from '../../testing/start-sentinel.ts';
import { makeRun } from '../../testing/support.ts';
import { openRedisBus } from './open-redis-bus.ts';

vi.setConfig({ testTimeout: 90_000 });

const undoing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const undo of undoing.splice(0).toReversed()) await undo();
});

function admin(port: number): Redis {
  const client = new Redis({ port, protocol: 2, replyMapping: 'legacy' });
  client.on('error', () => undefined);
  undoing.push(async () => client.disconnect());
  return client;
}

describe('a Redis bus behind sentinels', () => {
  it('C6 S71 a replica takes over from a primary that is killed: what it had been given is there, consumers go on', async () => {
    const primary = await startRedis({ port: true });
    undoing.push(() => primary.dispose());
    const replica = await startRedis({ port: true, settings: { replicaof: `127.0.0.1 ${primary.port}` } });
    undoing.push(() => replica.dispose());
    const sentinel = await startSentinel(primary.port);
    undoing.push(() => sentinel.dispose());
    const watcher = admin(sentinel.port);
    const upToDate = async (): Promise<boolean> => {
      const told = (await watcher.call('SENTINEL', 'REPLICAS', 'company')) as readonly (readonly string[])[];
      return told.some((fields) => fields.includes('ok') && fields.includes('slave'));
    };
    await vi.waitUntil(upToDate, { timeout: 30_000, interval: 50 });
    const bus = unwrap(await openRedisBus({ url: sentinel.url, patience: 60_000 }));
    undoing.push(() => bus.close());
    const { run, envelopes } = makeRun(4);
    const [first, second, third, fourth] = envelopes.map((envelope) => ({ envelope }));
    unwrap(await bus.send([first!, second!]));
    const [held] = unwrap(await bus.receive('workers', { max: 1, waitMs: 0, leaseMs: 120_000 }));
    expect(await admin(primary.port).call('WAIT', '1', '10000')).toBe(1);
    await primary.kill();
    const waiting = bus.receive('late', { max: 1, waitMs: 60_000, leaseMs: 60_000 });
    unwrap(await bus.send([third!, { ...fourth!, queue: 'late' }]));
    expect(unwrap(await waiting).map(({ envelope }) => envelope.id)).toEqual([fourth!.envelope.id]);
    unwrap(await bus.complete(held!, []));
    expect(unwrap(await bus.readStream(run, { after: 0 })).map(({ envelope }) => envelope.id)).toEqual(
      envelopes.map(({ id }) => id),
    );
    const info = await admin(replica.port).info('replication');
    expect(info).toMatch(/role:master/);
  });
});
