import type { Measurement, Outcome } from './measurement.ts';

/** The middle value; between two middle values their mean. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const half = sorted.length / 2;
  const upper = sorted[Math.floor(half)];
  const lower = sorted[Math.ceil(half) - 1];
  if (upper === undefined || lower === undefined) throw new Error('there is no median of nothing');
  return (lower + upper) / 2;
}

/**
 * Runs both sides of a measurement in interleaved rounds, each side first in every other round, after one round that is
 * thrown away. The ratio is that of the medians.
 */
export async function measure(measurement: Measurement, rounds: number): Promise<Outcome> {
  const { row, ours, floor, target } = measurement;
  const prepared = await measurement.prepare();
  const times: { readonly ours: number; readonly floor: number }[] = [];
  try {
    for (let round = 0; round <= rounds; round += 1) {
      const floorFirst = round % 2 === 0 ? await prepared.floor() : null;
      const oursMs = await prepared.ours();
      const floorMs = floorFirst ?? (await prepared.floor());
      if (round > 0) times.push({ ours: oursMs, floor: floorMs });
    }
  } finally {
    await prepared.close();
  }
  const oursMs = median(times.map((time) => time.ours));
  const floorMs = median(times.map((time) => time.floor));
  const ratios = times.map((time) => time.ours / time.floor);
  const spread = [Math.min(...ratios), Math.max(...ratios)] as const;
  return { row, ours, floor, target, rounds, oursMs, floorMs, ratio: oursMs / floorMs, spread };
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
