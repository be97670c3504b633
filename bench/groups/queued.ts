import type { Measurement, PreparedMeasurement } from '../measurement.ts';
import type { Measured } from '../queued/engine-process.ts';
import { openQueuedCompanies } from '../queued/queued-company.ts';

const [many, few] = [10_000, 100];
/** Tasks carried out in a round, so that those at the end of the small run never lack company. */
const sample = 90;

const mebibytes = (bytes: number): number => bytes / 1024 ** 2;

type Home = 'few' | 'many' | 'late';

/** Homes whose run has few tasks, many, and many of which few are left; both measurements work on them, with the same processes' figures. */
async function openHomes(): Promise<(home: Home) => Promise<Measured>> {
  const companies = await openQueuedCompanies();
  const [small, large] = [await companies.make(few), await companies.make(many)];
  const names = { few: small, many: large, late: await companies.advance(large, many - few) };
  return (home) => companies.measure(names[home], sample);
}

let homes: ReturnType<typeof openHomes> | null = null;

async function prepare(
  figure: (measured: Measured) => number,
): Promise<PreparedMeasurement & { last: Map<Home, Measured> }> {
  const measure = await (homes ??= openHomes());
  const last = new Map<Home, Measured>();
  const run = (home: Home) => async (): Promise<number> => {
    const measured = await measure(home);
    last.set(home, measured);
    return figure(measured);
  };
  return { floor: run('few'), sides: [run('many'), run('late')], close: async () => undefined, last };
}

const names: Readonly<Record<Home, string>> = {
  few: 'the same of 100 queued tasks',
  many: 'the first of 10,000 queued tasks',
  late: 'the last of 10,000 tasks, 9,900 merged before',
};

const perTask: Measurement = {
  unit: 'ms',
  floor: { name: names.few, durability: null },
  sides: [
    { row: 'P12a', name: `time a task, ${names.many}`, durability: null, target: { bound: 'at most', ratio: 1.3 } },
    { row: 'P12a', name: `time a task, ${names.late}`, durability: null, target: null },
  ],
  rounds: 5,
  prepare: () => prepare(({ msPerTask }) => msPerTask),
};

const memory: Measurement = {
  unit: 'MiB',
  floor: perTask.floor,
  sides: [
    {
      row: 'P12b',
      name: `memory of the engine's process, ${names.many}`,
      durability: null,
      target: { bound: 'at most', ratio: 1.5 },
    },
    { row: 'P12b', name: `memory of the engine's process, ${names.late}`, durability: null, target: null },
  ],
  rounds: 5,
  prepare: async () => {
    const prepared = await prepare(({ residentAfterCollection }) => mebibytes(residentAfterCollection));
    return { ...prepared, notes: async () => [...prepared.last].map(([home, measured]) => note(home, measured)) };
  },
};

function note(home: Home, { resident, residentAfterCollection, used }: Measured): string {
  const [now, kept, live] = [resident, residentAfterCollection, used].map((bytes) => mebibytes(bytes).toFixed(0));
  return `P12b, ${names[home]}: ${now} MiB resident before the collection, ${kept} MiB after it, ${live} MiB of them in use by objects and buffers`;
}

/** The engine with many tasks waiting. */
export const queuedCosts: readonly Measurement[] = [perTask, memory];
