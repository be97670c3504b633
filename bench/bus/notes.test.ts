import { describe, expect, it } from 'vitest';
import { openingNote } from './depth.ts';
import { idleNote } from './wake-up.ts';

describe('what is printed beside the ratios', () => {
  it('holds the idle receiver to its limit, and peers to none', () => {
    expect(idleNote('a bus', 0.071, 1)).toBe(
      'P5, receiver that waits: a bus uses 0.07 % of a processor (target < 1 %)',
    );
    expect(idleNote('a bus', 1, 1)).toMatch(/uses 1\.00 % of a processor \(target < 1 %: missed\)$/);
    expect(idleNote('a peer', 9, null)).toMatch(/uses 9\.00 % of a processor$/);
  });

  it('says how long a store takes to open and what it takes to hold it', () => {
    expect(openingNote('a bus', 100_000, { milliseconds: 68.4, bytes: 103.6 * 1024 ** 2 })).toBe(
      'P6, a bus with 100,000 waiting: opened in 68 ms by a new process, which then has 104 MiB',
    );
  });
});
