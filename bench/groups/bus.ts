import type { BusAdapter } from '@agentcompany/agent-bus';
import { adapterNames, durabilities, measuredAdapters } from '../bus/adapters.ts';
import { deep, prepareDepth, shallow } from '../bus/depth.ts';
import { inFlight, prepareInFlight } from '../bus/in-flight.ts';
import { appending } from '../bus/raw-floors.ts';
import { peerFloor, throughput, type Competitor, type Work } from '../bus/throughput.ts';
import { prepareWakeUp } from '../bus/wake-up.ts';
import type { Measurement, Target } from '../measurement.ts';

const rounds = 7;
const atLeast = (ratio: number): Target => ({ bound: 'at least', ratio });
const atMost = (ratio: number): Target => ({ bound: 'at most', ratio });

/** Records of the raw file a run. */
const records = 400;
const rawFile = {
  name: 'append 1 KiB + fdatasync, one record at a time',
  durability: 'power loss',
} as const;

/** All queues on one row; the target is that of the adapter it names. */
function competitors(row: string, target: readonly [BusAdapter, Target], counts: Counts): readonly Competitor[] {
  return [...measuredAdapters, 'plainjob' as const, 'bullmq' as const].map((queue) => ({
    queue,
    row,
    target: queue === target[0] ? target[1] : null,
    count: counts[queue] ?? counts.others,
  }));
}

type Counts = Partial<Record<Competitor['queue'], number>> & { readonly others: number };

function againstRawFile(row: string, work: Work, batch: number, ratio: number, counts: Counts): Measurement {
  return throughput({
    work,
    batch,
    rounds,
    competitors: competitors(row, ['sqlite', atLeast(ratio)], counts),
    floor: { ...rawFile, prepare: async (scene) => appending(await scene.subfolder('raw'), records) },
  });
}

/** P1: one message a call. P2: a hundred. */
const againstOneRecord: readonly Measurement[] = [
  againstRawFile('P1a', 'send', 1, 0.7, { others: 400, bullmq: 200 }),
  againstRawFile('P1b', 'receive', 1, 0.35, { others: 400, bullmq: 200 }),
  againstRawFile('P2a', 'send', 100, 6, { others: 4000 }),
  againstRawFile('P2b', 'receive', 100, 4, { others: 4000, plainjob: 400 }),
];

/** P3: a call each, many at a time. */
const manyInFlight: Measurement = {
  unit: '/s',
  floor: { name: 'a file a message: write, fsync, rename, fsync of the folder', durability: 'power loss' },
  sides: [
    ...measuredAdapters.map((adapter) => ({
      row: 'P3',
      name: `${adapterNames[adapter]}, ${inFlight} sends in flight`,
      durability: durabilities[adapter],
      target: adapter === 'file' ? atLeast(10) : null,
    })),
    {
      row: 'P3',
      name: `the floor's files, ${inFlight} in flight (thread pool)`,
      durability: 'power loss',
      target: null,
    },
  ],
  rounds: 5,
  prepare: () => prepareInFlight(measuredAdapters, adapterNames),
};

/** P4: on one server with a peer. */
function againstBullmq(row: string, work: Work, ratio: number): Measurement {
  const load = { count: 3000, batch: 100 };
  return throughput({
    work,
    batch: load.batch,
    rounds,
    competitors: [
      { queue: 'redis', row, target: atLeast(ratio), count: load.count },
      ...(work === 'receive' ? [{ queue: 'redis', row, target: null, count: load.count, lanes: 2 } as const] : []),
    ],
    floor: peerFloor('bullmq', work, load),
  });
}

const onRedis: readonly Measurement[] = [againstBullmq('P4a', 'send', 1.3), againstBullmq('P4b', 'receive', 2.8)];

/** P5: an idle receiver in another process. */
const wakeUp: Measurement = {
  unit: 'ms',
  floor: { name: '`LPUSH` to `BRPOP`', durability: durabilities.redis },
  sides: [
    ...measuredAdapters.map((adapter) => ({
      row: 'P5',
      name: `${adapterNames[adapter]}, send to handler entry in another, idle process`,
      durability: durabilities[adapter],
      target: atMost(1.2),
    })),
    { row: 'P5', name: 'bullmq `add` to `Worker`', durability: durabilities.redis, target: null },
  ],
  rounds: 5,
  prepare: () => prepareWakeUp(measuredAdapters, adapterNames),
};

/** P6: whether depth costs. */
const depths: readonly Measurement[] = measuredAdapters.map((adapter) => ({
  unit: 'ms',
  floor: { name: `the same with ${shallow} waiting`, durability: durabilities[adapter] },
  sides: [
    {
      row: 'P6',
      name: `${adapterNames[adapter]}, receive with ${deep.toLocaleString('en')} waiting`,
      durability: durabilities[adapter],
      target: atMost(1.5),
    },
  ],
  rounds,
  prepare: () => prepareDepth(adapter, adapterNames[adapter]),
}));

/** What the buses cost, by adapter, against raw storage and against peers. */
export const busCosts: readonly Measurement[] = [...againstOneRecord, manyInFlight, ...onRedis, wakeUp, ...depths];
