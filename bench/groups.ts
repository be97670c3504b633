import { programCosts } from './groups/cli.ts';
import { workerReady } from './groups/containers.ts';
import { wholeLine } from './groups/engine.ts';
import type { Measurement } from './measurement.ts';

/** What each argument of the benchmark measures; a file of `groups/` holds the measurements of its name. */
export const groups: Readonly<Record<string, readonly Measurement[]>> = {
  containers: [workerReady],
  cli: programCosts,
  engine: [workerReady, wholeLine, ...programCosts],
};
