import { NotMeasured, type Findings, type Measurement, type Outcome, type Run } from './measurement.ts';

/** The middle value; between two middle values their mean. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const half = sorted.length / 2;
  const upper = sorted[Math.floor(half)];
  const lower = sorted[Math.ceil(half) - 1];
  if (upper === undefined || lower === undefined) throw new Error('there is no median of nothing');
  return (lower + upper) / 2;
}

/** The figures of one round, in the order of `runs`; every other round takes them from the last to the first. */
async function runRound(runs: readonly Run[], backwards: boolean): Promise<readonly number[]> {
  const figures: number[] = [];
  const order = backwards ? runs.toReversed() : runs;
  for (const run of order) figures.push(await run());
  return backwards ? figures.toReversed() : figures;
}

/** What the rounds say of the side with this index; in a round, the floor's figure comes first. */
function outcomeOf(measurement: Measurement, rounds: readonly (readonly number[])[], index: number): Outcome {
  const side = measurement.sides[index];
  if (side === undefined) throw new Error(`there is no side ${index}`);
  const { unit, floor } = measurement;
  const pairs = rounds.map((figures) => ({ ours: figures[index + 1] ?? NaN, floor: figures[0] ?? NaN }));
  const oursFigure = median(pairs.map((pair) => pair.ours));
  const floorFigure = median(pairs.map((pair) => pair.floor));
  const ratios = pairs.map((pair) => pair.ours / pair.floor);
  const spread = [Math.min(...ratios), Math.max(...ratios)] as const;
  return { side, floor, unit, rounds: rounds.length, oursFigure, floorFigure, ratio: oursFigure / floorFigure, spread };
}

function notMeasured({ sides }: Measurement, why: string): string {
  return `not measured: ${sides.map(({ row, name }) => `${row} (${name})`).join(', ')}: ${why}`;
}

/**
 * Runs the floor and every side of a measurement in interleaved rounds, in turns from the first to the last and back, after
 * one round that is thrown away. A ratio is that of the medians. What cannot be measured here is a note that says why.
 */
export async function measure(measurement: Measurement, rounds: number): Promise<Findings> {
  const prepared = await measurement.prepare().catch((problem: unknown) => {
    if (problem instanceof NotMeasured) return problem;
    throw problem;
  });
  if (prepared instanceof NotMeasured) return { outcomes: [], notes: [notMeasured(measurement, prepared.message)] };
  try {
    const runs = [prepared.floor, ...prepared.sides];
    await runRound(runs, false);
    const figures: (readonly number[])[] = [];
    for (let round = 1; round <= rounds; round += 1) figures.push(await runRound(runs, round % 2 === 1));
    const outcomes = measurement.sides.map((_side, index) => outcomeOf(measurement, figures, index));
    return { outcomes, notes: (await prepared.notes?.()) ?? [] };
  } finally {
    await prepared.close();
  }
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
