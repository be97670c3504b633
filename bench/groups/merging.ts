import type { Measurement, PreparedMeasurement, Side } from '../measurement.ts';
import { MergeScene } from '../merging/merge-scene.ts';

async function prepare(floor: 'bare' | 'inCheckout'): Promise<PreparedMeasurement> {
  const scene = await MergeScene.open();
  return { sides: [() => scene.ours()], floor: () => scene[floor](), close: () => scene.close() };
}

const side: Omit<Side, 'row' | 'target'> = {
  name: '20 clean branches of a repository with 20,000 files merged into the branch of a run',
  durability: null,
};

/** What joining results costs on the host. */
export const mergingCosts: readonly Measurement[] = [
  {
    unit: 'ms',
    floor: { name: 'bare `git merge-tree --write-tree` and `git commit-tree`', durability: null },
    sides: [{ ...side, row: 'P10a', target: { bound: 'at most', ratio: 1.3 } }],
    rounds: 9,
    prepare: () => prepare('bare'),
  },
  {
    unit: 'ms',
    floor: { name: '`git merge` in a checkout that is ready', durability: null },
    sides: [{ ...side, row: 'P10b', target: { bound: 'at most', ratio: 1 / 7 } }],
    rounds: 5,
    prepare: () => prepare('inCheckout'),
  },
];
