import { describe, expect, it } from 'vitest';
import { isReached } from './measurement.ts';

describe('a target', () => {
  it('of a time is reached at its ratio and below', () => {
    const target = { bound: 'at most', ratio: 1.35 } as const;
    expect([1.2, 1.35, 1.36].map((ratio) => isReached(target, ratio))).toEqual([true, true, false]);
  });

  it('of a rate is reached at its ratio and above', () => {
    const target = { bound: 'at least', ratio: 0.7 } as const;
    expect([0.69, 0.7, 2].map((ratio) => isReached(target, ratio))).toEqual([false, true, true]);
  });

  it('is reached by no figure that is missing', () => {
    expect(isReached({ bound: 'at most', ratio: 1 }, NaN)).toBe(false);
    expect(isReached({ bound: 'at least', ratio: 1 }, NaN)).toBe(false);
  });

  it('is nothing a peer could reach or miss', () => {
    expect(isReached(null, 0.1)).toBe(null);
  });
});
