/** Outcomes that a score looks back on. */
export const rememberedOutcomes = 20;
const mostFailures = 5;
const leastScore = 10;

/** Failures since the last success. `outcomes`: oldest first, true where it went well. */
export function failuresInARow(outcomes: readonly boolean[]): number {
  return outcomes.length - 1 - outcomes.lastIndexOf(true);
}

/**
 * How well a worker host or an image does (C15): 100, less 15 for each failure in a row, less 30 times the rate of failures, less 30
 * while the last outcome is one. `outcomes`: oldest first, true where it went well.
 */
export function healthScore(outcomes: readonly boolean[]): number {
  if (outcomes.length === 0) return 100;
  const inARow = failuresInARow(outcomes);
  const rate = outcomes.filter((isGood) => !isGood).length / outcomes.length;
  return 100 - 15 * inARow - 30 * rate - (inARow > 0 ? 30 : 0);
}

/** Whether what has done so is set aside (C15): five failures in a row, or a score below 10. */
export function isUnfit(outcomes: readonly boolean[]): boolean {
  return failuresInARow(outcomes) >= mostFailures || healthScore(outcomes) < leastScore;
}
