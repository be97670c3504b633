import type { Measurement, PreparedMeasurement, Side } from '../measurement.ts';
import { branchCount, MergeScene } from '../merging/merge-scene.ts';

async function prepare(make: (scene: MergeScene) => Pick<PreparedMeasurement, 'sides' | 'floor'>) {
  const scene = await MergeScene.open();
  return { ...make(scene), close: () => scene.close() };
}

/** Merges a second. */
const rate = async (milliseconds: Promise<number>): Promise<number> => (branchCount / (await milliseconds)) * 1000;

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
    prepare: () => prepare((scene) => ({ sides: [() => scene.ours()], floor: () => scene.bare() })),
  },
  {
    unit: '/s',
    floor: { name: '`git merge` in a checkout that is ready', durability: null },
    sides: [{ ...side, row: 'P10b', target: { bound: 'at least', ratio: 7 } }],
    rounds: 3,
    prepare: () => prepare((scene) => ({ sides: [() => rate(scene.ours())], floor: () => rate(scene.inCheckout()) })),
  },
];
