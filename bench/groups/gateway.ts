import { openGatewayScene, type Times } from '../gateway-scene.ts';
import { median, timed } from '../measure.ts';
import type { Measurement, PreparedMeasurement } from '../measurement.ts';

const questions = 20;
const together = 50;
/** Milliseconds that door and gateway may add to the first word of an answer. */
const allowedMs = 5;

/** The median time to the first word of some questions, one after the other. */
async function firstWords(ask: () => Promise<Times>, noted: number[]): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < questions; count += 1) times.push((await ask()).first);
  noted.push(median(times));
  return median(times);
}

async function prepareFirstWord(): Promise<PreparedMeasurement> {
  const { direct, doors, close } = await openGatewayScene(1);
  const [ask] = doors;
  if (ask === undefined) throw new Error('there is no door');
  const noted = { direct: [] as number[], through: [] as number[] };
  const notes = async (): Promise<readonly string[]> => {
    // The first round is thrown away here as well.
    const added = median(noted.through.slice(1).map((time, index) => time - (noted.direct[index + 1] ?? Number.NaN)));
    return [
      `G1: door and gateway add ${added.toFixed(2)} ms to the first word in the median (to be kept: ${allowedMs} ms).`,
    ];
  };
  return {
    floor: () => firstWords(direct, noted.direct),
    sides: [() => firstWords(ask, noted.through)],
    notes,
    close,
  };
}

/** What a worker waits longer for the first word of an answer. */
const firstWord: Measurement = {
  unit: 'ms',
  floor: { name: 'the same question asked of the provider by the same adapter', durability: null },
  sides: [{ row: 'G1', name: 'first word of an answer through door and gateway', durability: null, target: null }],
  rounds: 15,
  prepare: prepareFirstWord,
};

async function prepareTogether(): Promise<PreparedMeasurement> {
  const { direct, doors, close } = await openGatewayScene(together);
  return {
    floor: () => timed(() => Promise.all(doors.map(() => direct()))),
    sides: [() => timed(() => Promise.all(doors.map((ask) => ask())))],
    close,
  };
}

/** Many workers whose models answer at the same time. */
const manyStreams: Measurement = {
  unit: 'ms',
  floor: { name: 'fifty at once of the provider by the same adapter', durability: null },
  sides: [
    {
      row: 'G2',
      name: 'fifty answers of a hundred words at once, each through a door of its own',
      durability: 'recorded, fsynced',
      target: null,
    },
  ],
  rounds: 10,
  prepare: prepareTogether,
};

export const gatewayCosts: readonly Measurement[] = [firstWord, manyStreams];
