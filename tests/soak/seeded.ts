import { createHash } from 'node:crypto';

/** A number in [0, 1) that follows from what it is asked about: the same in every process and every repetition. */
export function chance(seed: number, ...about: readonly (string | number)[]): number {
  const digest = createHash('sha256')
    .update([seed, ...about].join('/'))
    .digest();
  return digest.readUInt32BE(0) / 2 ** 32;
}
