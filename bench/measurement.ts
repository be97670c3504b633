/** Does the thing once and returns its figure in the unit of the measurement. */
export type Run = () => Promise<number>;

/** `ms`: how long it took, `MiB`: what it holds, less is better. `/s`: how many were done a second, more is better. */
export type Unit = 'ms' | 'MiB' | '/s';

/** The bound on ours by floor that is to be kept: `at most` for times, `at least` for rates. */
export interface Target {
  readonly bound: 'at most' | 'at least';
  readonly ratio: number;
}

/** One of the things that are compared. */
export interface Contender {
  readonly name: string;
  /** What is still there after which failure once it has answered; null where nothing is kept. */
  readonly durability: string | null;
}

/** What is held against the floor: a row of the page. */
export interface Side extends Contender {
  /** The name of its target; two measurements of one target differ in the letter after it. */
  readonly row: string;
  /** Null for a peer that is there for comparison. */
  readonly target: Target | null;
}

/** A measurement that is set up: every side may be run any number of times, in any order. */
export interface PreparedMeasurement {
  readonly floor: Run;
  /** In the order of the measurement's sides. */
  readonly sides: readonly Run[];
  /** What else is worth saying; asked once, after the last round. */
  readonly notes?: () => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

/** What we and our peers do, against the least that the same work can cost on this machine. */
export interface Measurement {
  readonly unit: Unit;
  readonly floor: Contender;
  readonly sides: readonly Side[];
  /** Rounds unless the command line says otherwise; each runs the floor and every side once. */
  readonly rounds: number;
  /** Rejects with `NotMeasured` where this machine has not what it takes. */
  prepare(): Promise<PreparedMeasurement>;
}

/** Why a measurement cannot be made on this machine: thrown by `prepare`, and said in place of its figures. */
export class NotMeasured extends Error {}

/** What came of one side. Figures are medians, in the unit. */
export interface Outcome {
  readonly side: Side;
  readonly floor: Contender;
  readonly unit: Unit;
  readonly rounds: number;
  readonly oursFigure: number;
  readonly floorFigure: number;
  readonly ratio: number;
  /** The smallest and the largest ratio of a single round. */
  readonly spread: readonly [least: number, most: number];
}

/** What came of one measurement: an outcome for each side. */
export interface Findings {
  readonly outcomes: readonly Outcome[];
  readonly notes: readonly string[];
}

/** Whether the target is reached; null where there is none. */
export function isReached(target: Target | null, ratio: number): boolean | null {
  if (target === null) return null;
  return target.bound === 'at most' ? ratio <= target.ratio : ratio >= target.ratio;
}
