import type { BusAdapter } from '@agentcompany/agent-bus';
import type { Contender, Measurement, Run, Side, Target } from '../measurement.ts';
import { adapterNames, durabilities } from './adapters.ts';
import { BullmqQueue } from './bullmq-queue.ts';
import { BusQueue } from './bus-queue.ts';
import { PlainjobQueue } from './plainjob-queue.ts';
import { receiving, sending, type Load, type QueueUnderTest } from './queue-under-test.ts';
import { openScene, type Scene } from './scene.ts';

export type Work = 'send' | 'receive';

/** One queue technology in a row: ours, or a peer's. */
export interface Competitor {
  readonly queue: BusAdapter | 'plainjob' | 'bullmq';
  readonly row: string;
  readonly target: Target | null;
  /** Messages a run: as many as take long enough to be told from noise. */
  readonly count: number;
  /** Receivers side by side, for ours; one where absent. */
  readonly lanes?: number;
}

async function openQueue(scene: Scene, kind: Competitor['queue'], lanes: number): Promise<QueueUnderTest> {
  if (kind === 'plainjob') return new PlainjobQueue(await scene.subfolder('plainjob'));
  if (kind === 'bullmq') return new BullmqQueue((await scene.redis()).port);
  return new BusQueue(await scene.open(kind, `throughput-${lanes}`), lanes);
}

function callsOf(kind: Competitor['queue'], work: Work, batch: number): string {
  const many = batch > 1 ? `, ${batch} a call` : '';
  if (kind === 'plainjob') {
    if (work === 'send') return batch > 1 ? `plainjob \`addMany(${batch})\`` : 'plainjob `add`';
    return 'plainjob claim + done, one at a time';
  }
  if (kind === 'bullmq') {
    if (work === 'send') return batch > 1 ? `bullmq \`addBulk(${batch})\`` : 'bullmq `add`';
    return `bullmq \`Worker\`, ${batch} at a time`;
  }
  return `${adapterNames[kind]}, ${work === 'send' ? 'send' : 'receive + complete'}${many}`;
}

/** What the queue is called in its row, with what its acknowledgements survive. */
function contenderOf(kind: Competitor['queue'], work: Work, batch: number): Contender {
  const durability =
    kind === 'plainjob' ? durabilities.sqlite : kind === 'bullmq' ? durabilities.redis : durabilities[kind];
  return { name: callsOf(kind, work, batch), durability };
}

async function prepareRun(
  scene: Scene,
  { queue: kind, lanes = 1 }: Pick<Competitor, 'queue' | 'lanes'>,
  work: Work,
  load: Load,
): Promise<Run> {
  const queue = await openQueue(scene, kind, lanes);
  if (kind === 'plainjob' || kind === 'bullmq') scene.onClose(() => queue.close());
  const name = callsOf(kind, work, load.batch);
  return work === 'send' ? sending(queue, name, load) : receiving(queue, name, load);
}

/** Messages a second through each queue, against a floor: a raw file, or a peer. */
export function throughput(options: {
  readonly work: Work;
  readonly batch: number;
  readonly rounds: number;
  readonly competitors: readonly Competitor[];
  readonly floor: Contender & { readonly prepare: (scene: Scene) => Promise<Run> };
}): Measurement {
  const { work, batch, rounds, competitors, floor } = options;
  const sides: readonly Side[] = competitors.map(({ queue, row, target, lanes = 1 }) => {
    const { name, durability } = contenderOf(queue, work, batch);
    return { row, target, durability, name: lanes === 1 ? name : `${name}, ${lanes} receivers side by side` };
  });
  return {
    unit: '/s',
    floor,
    sides,
    rounds,
    prepare: async () => {
      const scene = await openScene();
      const runs: Run[] = [];
      for (const competitor of competitors)
        runs.push(await prepareRun(scene, competitor, work, { count: competitor.count, batch }));
      return { floor: await floor.prepare(scene), sides: runs, close: () => scene.close() };
    },
  };
}

/** A peer as the floor of a row. */
export function peerFloor(
  kind: 'bullmq',
  work: Work,
  load: Load,
): Contender & { readonly prepare: (scene: Scene) => Promise<Run> } {
  return { ...contenderOf(kind, work, load.batch), prepare: (scene) => prepareRun(scene, { queue: kind }, work, load) };
}
