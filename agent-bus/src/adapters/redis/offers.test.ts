import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { unwrap } from '@agentcompany/protocol';
import type { AgentBus } from '../../bus.ts';
import { startRedis, type RedisServer } from '../../testing/start-redis.ts';
import { makeEnvelope, makeRun } from '../../testing/support.ts';
import { startTcpProxy, type TcpProxy } from '../../testing/tcp-proxy.ts';
import { openRedisBus } from './open-redis-bus.ts';

vi.setConfig({ testTimeout: 60_000 });

let server: RedisServer;
let proxy: TcpProxy;
let client: Redis;
let namespace: string;
let opened: AgentBus[];

beforeAll(async () => {
  server = await startRedis({ port: true });
  proxy = await startTcpProxy(server.port);
  client = new Redis({ port: server.port, protocol: 2, replyMapping: 'legacy' });
});
afterAll(async () => {
  client.disconnect();
  await proxy.close();
  await server.dispose();
});
beforeEach(() => {
  namespace = randomUUID();
  opened = [];
});
afterEach(async () => {
  for (const bus of opened) await bus.close();
});

async function open(port = server.port): Promise<AgentBus> {
  const bus = unwrap(await openRedisBus({ url: `redis://127.0.0.1:${port}?namespace=${namespace}` }));
  opened.push(bus);
  return bus;
}

/** Resolves when so many consumers wait in the queue, and their instances listen. */
async function waiting(count: number, queue = 'workers'): Promise<void> {
  const key = `{agentcompany:${namespace}}:`;
  const isThere = async (): Promise<boolean> => {
    const waiters = await client.lrange(`${key}waiters:${queue}`, 0, -1);
    const channels = waiters.map((waiter) => `${key}to:${waiter.split(' ')[0]}`);
    const heard = (await client.call('PUBSUB', 'NUMSUB', ...channels)) as readonly unknown[];
    return waiters.length === count && channels.every((_name, index) => heard[2 * index + 1] === 1);
  };
  await vi.waitUntil(isThere, { timeout: 20_000, interval: 2 });
}

const patient = { waitMs: 50_000, leaseMs: 60_000 };
const idsOf = (deliveries: readonly { readonly envelope: { readonly id: string } }[]): readonly string[] =>
  deliveries.map(({ envelope }) => envelope.id);

describe('what is sent to consumers that wait', () => {
  it('C6 is leased to them in the step that sends it, in their order and in that of the envelopes', async () => {
    const [sender, consumer] = [await open(), await open()];
    const first = consumer.receive('workers', { max: 1, ...patient });
    await waiting(1);
    const second = consumer.receive('workers', { max: 5, ...patient });
    await waiting(2);
    const { envelopes } = makeRun(8);
    const before = performance.now();
    unwrap(await sender.send(envelopes.map((envelope) => ({ envelope }))));
    expect(unwrap(await sender.queues())).toEqual([{ queue: 'workers', waiting: 2, delayed: 0, leased: 6 }]);
    const [one, more] = [unwrap(await first), unwrap(await second)];
    expect([...idsOf(one), ...idsOf(more)]).toEqual(idsOf(envelopes.slice(0, 6).map((envelope) => ({ envelope }))));
    for (const { count, epoch, leaseUntil } of [...one, ...more]) {
      expect([count, epoch]).toEqual([1, 1]);
      expect(leaseUntil).toBeLessThanOrEqual(performance.now() + 48_000);
      expect(leaseUntil).toBeGreaterThan(before);
    }
    unwrap(await consumer.completeMany([...one, ...more].map((delivery) => ({ delivery, items: [] }))));
    expect(unwrap(await sender.queues())).toEqual([{ queue: 'workers', waiting: 2, delayed: 0, leased: 0 }]);
  });

  it('C6 is not lost with the news of it: who comes back finds it under its token', async () => {
    const [sender, consumer] = [await open(), await open(proxy.port)];
    const receiving = consumer.receive('workers', { max: 1, ...patient });
    await waiting(1);
    proxy.muffle(true);
    const envelope = makeEnvelope();
    unwrap(await sender.send([{ envelope }]));
    expect(unwrap(await sender.queues())[0]?.leased).toBe(1);
    proxy.muffle(false);
    proxy.cut();
    const [delivery] = unwrap(await receiving);
    expect([delivery?.envelope.id, delivery?.count, delivery?.epoch]).toEqual([envelope.id, 1, 1]);
    unwrap(await consumer.complete(delivery!, []));
  });

  it('C6 goes back uncounted when the consumer has just left', async () => {
    const [sender, consumer] = [await open(), await open()];
    for (const [index, envelope] of makeRun(20).envelopes.entries()) {
      const queue = `queue-${index}`;
      const controller = new AbortController();
      const receiving = consumer.receive(queue, { max: 1, ...patient, signal: controller.signal });
      await waiting(1, queue);
      const sending = sender.send([{ envelope, queue }]);
      controller.abort();
      unwrap(await sending);
      const received = unwrap(await receiving);
      const [delivery] = received.length > 0 ? received : unwrap(await sender.receive(queue, { max: 1, ...patient }));
      expect([delivery?.envelope.id, delivery?.count]).toEqual([envelope.id, 1]);
      unwrap(await sender.complete(delivery!, []));
      await waiting(0, queue);
    }
  });

  it('C6 large envelopes are only announced', async () => {
    const [sender, consumer] = [await open(), await open()];
    const receiving = consumer.receive('workers', { max: 3, ...patient });
    await waiting(1);
    const large = makeEnvelope({ payload: { text: 'x'.repeat(1_000_000) } });
    unwrap(await sender.send([{ envelope: large }]));
    expect(idsOf(unwrap(await receiving))).toEqual([large.id]);
  });

  it('C6 a consumer whose process is gone is passed over', async () => {
    const [sender, consumer, gone] = [await open(), await open(), await open()];
    void gone.receive('workers', { max: 1, ...patient });
    await waiting(1);
    const receiving = consumer.receive('workers', { max: 1, ...patient });
    await waiting(2);
    await gone.close();
    const envelope = makeEnvelope();
    unwrap(await sender.send([{ envelope }]));
    expect(idsOf(unwrap(await receiving))).toEqual([envelope.id]);
  });
});
