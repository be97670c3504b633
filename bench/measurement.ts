/** One side of a comparison: does the thing once, from a fresh start, and returns how many milliseconds it took. */
export type Timed = () => Promise<number>;

/** A measurement that is set up: both sides may be run any number of times, in any order. */
export interface PreparedMeasurement {
  readonly ours: Timed;
  readonly floor: Timed;
  readonly close: () => Promise<void>;
}

/** One row of the page: what we do against the least that the same work can cost on this machine. */
export interface Measurement {
  /** The name of its target; two measurements of one target differ in the letter after it. */
  readonly row: string;
  readonly ours: string;
  readonly floor: string;
  /** The ratio that is to be reached, ours by floor. */
  readonly target: number;
  /** Rounds unless the command line says otherwise; each runs both sides once. */
  readonly rounds: number;
  prepare(): Promise<PreparedMeasurement>;
}

/** What came of one measurement. Times are medians, in milliseconds. */
export interface Outcome {
  readonly row: string;
  readonly ours: string;
  readonly floor: string;
  readonly target: number;
  readonly rounds: number;
  readonly oursMs: number;
  readonly floorMs: number;
  readonly ratio: number;
  /** The smallest and the largest ratio of a single round. */
  readonly spread: readonly [least: number, most: number];
}
