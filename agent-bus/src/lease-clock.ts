/** Milliseconds by which a wall clock is corrected backwards without anybody's lease being doubted; what jumps, jumps farther. */
export const clockToleranceMs = 1000;

/**
 * A lease that begins later than now was taken before the clock went back, and would hold for the whole jump: it counts as lapsed, the
 * epoch protects. `now` is read where nobody else can take a lease meanwhile: one taken since would seem to be of the future.
 * Times in unix milliseconds.
 */
export function beginsInFuture({ due, lease }: { readonly due: number; readonly lease: number }, now: number): boolean {
  return due - lease > now + clockToleranceMs;
}
