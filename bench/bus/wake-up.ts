import { setTimeout as sleep } from 'node:timers/promises';
import type { BusAdapter } from '@agentcompany/agent-bus';
import { unwrap, type Envelope } from '@agentcompany/protocol';
import { Queue } from 'bullmq';
import { median } from '../measure.ts';
import type { PreparedMeasurement, Run } from '../measurement.ts';
import { benchQueue, makeMessages } from './message.ts';
import { connectRedis } from './redis-server.ts';
import { openScene, type Scene } from './scene.ts';
import { settle } from './settle.ts';
import { startReceiver, type WaitingReceiver } from './waiting-receiver.ts';

/** Messages a round; the receiver is idle before each. */
const samples = 30;
/** How long it is left idle at least, and how much more at random, in milliseconds: no step of a timer is to be met. */
const [leastIdle, moreIdle] = [10, 20];
/** How long the idle receivers are watched for their processor time, in milliseconds, and what they may use of it. */
const watched = 4000;
const idleLimit = 1;

/** A sender here and a receiver in a process of its own. */
interface Pair {
  readonly name: string;
  readonly send: (message: Envelope) => Promise<unknown>;
  readonly receiver: WaitingReceiver;
}

/** The median time of one round from the call of `send` to the entry of the handler, in milliseconds. */
function waking({ send, receiver }: Pair): Run {
  return async () => {
    const latencies: number[] = [];
    await settle();
    for (const message of makeMessages(samples)) {
      await sleep(leastIdle + Math.random() * moreIdle);
      const handled = receiver.handled(message.id);
      const begun = process.hrtime.bigint();
      await send(message);
      latencies.push(Number((await handled) - begun) / 1e6);
    }
    return median(latencies);
  };
}

async function busPair(scene: Scene, adapter: BusAdapter, name: string): Promise<Pair> {
  const bus = await scene.open(adapter, 'wake-up');
  const receiver = await startReceiver({ kind: 'bus', options: await scene.storeOptions(adapter, 'wake-up') });
  return { name, receiver, send: async (envelope) => unwrap(await bus.send([{ envelope }])) };
}

async function listPair(scene: Scene): Promise<Pair> {
  const { url } = await scene.redis();
  const client = await connectRedis(url);
  scene.onClose(() => Promise.resolve(client.disconnect()));
  const receiver = await startReceiver({ kind: 'list', url });
  return { name: 'BRPOP', receiver, send: (message) => client.lpush(benchQueue, JSON.stringify(message)) };
}

async function bullmqPair(scene: Scene): Promise<Pair> {
  const { port } = await scene.redis();
  const queue = new Queue<Envelope>(benchQueue, {
    connection: { host: '127.0.0.1', port, maxRetriesPerRequest: null },
  });
  scene.onClose(() => queue.close());
  const receiver = await startReceiver({ kind: 'bullmq', port });
  return { name: 'bullmq Worker', receiver, send: (message) => queue.add('message', message) };
}

/** `idle receiver: SQLite bus 0.1 % of a processor (limit 1 %)`; what is over the limit is marked. */
export function idleNote(name: string, percent: number, limit: number | null): string {
  const verdict = limit === null ? '' : percent < limit ? ` (target < ${limit} %)` : ` (target < ${limit} %: missed)`;
  return `P5, receiver that waits: ${name} uses ${percent.toFixed(2)} % of a processor${verdict}`;
}

async function idleNotes(ours: readonly Pair[], peers: readonly Pair[]): Promise<readonly string[]> {
  const pairs = [...ours, ...peers];
  const busy = (): Promise<readonly number[]> => Promise.all(pairs.map(({ receiver }) => receiver.busyMs()));
  await settle();
  const before = await busy();
  await sleep(watched);
  const after = await busy();
  return pairs.map(({ name }, index) => {
    const percent = (((after[index] ?? NaN) - (before[index] ?? NaN)) / watched) * 100;
    return idleNote(name, percent, index < ours.length ? idleLimit : null);
  });
}

/** Ours in the order of `adapters`, then a bullmq worker; the floor is a list with LPUSH and BRPOP on a server that syncs as well. */
export async function prepareWakeUp(
  adapters: readonly BusAdapter[],
  names: Readonly<Record<BusAdapter, string>>,
): Promise<PreparedMeasurement> {
  const scene = await openScene();
  const pairs: Pair[] = [];
  const add = async (pair: Promise<Pair>): Promise<Pair> => {
    const { receiver } = await pair;
    scene.onClose(() => receiver.close());
    return pair;
  };
  for (const adapter of adapters) pairs.push(await add(busPair(scene, adapter, names[adapter])));
  const list = await add(listPair(scene));
  const bullmq = await add(bullmqPair(scene));
  return {
    floor: waking(list),
    sides: [...pairs, bullmq].map(waking),
    notes: () => idleNotes(pairs, [list, bullmq]),
    close: () => scene.close(),
  };
}
