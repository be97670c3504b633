import { describe, expect, it } from 'vitest';
import { healthScore, isUnfit } from './health-score.ts';

const good = (count: number): readonly boolean[] => Array.from({ length: count }, () => true);
const bad = (count: number): readonly boolean[] => Array.from({ length: count }, () => false);

describe('the health of a host or an image', () => {
  it.each([
    ['nothing is known', [], 100],
    ['all went well', good(4), 100],
    ['one of one failed', bad(1), 25],
    ['one of two failed, and was mended', [false, true], 85],
    ['the last two of four failed', [...good(2), ...bad(2)], 25],
  ])('C15 scores where %s', (_case, outcomes, score) => {
    expect(healthScore(outcomes)).toBe(score);
  });

  it.each([
    [bad(2), false],
    [bad(3), true],
    [[...good(16), ...bad(3)], false],
    [[...good(16), ...bad(4)], true],
    [[...bad(15), ...good(1)], false],
    [[...good(1), ...bad(5)], true],
  ])('C15 tells who is unfit by its last outcomes %#', (outcomes, unfit) => {
    expect(isUnfit(outcomes)).toBe(unfit);
  });
});
