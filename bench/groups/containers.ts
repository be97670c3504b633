import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createRepository, git } from '../../tests/support/open-test-company.ts';
import { ContainerScene } from '../containers/container-scene.ts';
import type { MeasuredEngine } from '../containers/measured-runtimes.ts';
import { runtimeNames, type RuntimeName } from '../containers/runtime-names.ts';
import { timed } from '../measure.ts';
import type { Measurement, PreparedMeasurement } from '../measurement.ts';
import { workspaceReady } from './workspaces.ts';

/** The least a container can cost: nothing in it, and nobody looks at it. */
function bareContainer({ bare, image }: MeasuredEngine): () => Promise<number> {
  return () =>
    timed(async () => {
      const container = await bare.createContainer({
        Image: image,
        Entrypoint: ['true'],
        HostConfig: { NetworkMode: 'none' },
      });
      await container.start();
      await container.wait();
      await container.remove();
    });
}

async function prepare(name: RuntimeName): Promise<PreparedMeasurement> {
  const scene = await ContainerScene.open(name);
  return scene.orClose(() => prepareIn(scene));
}

async function prepareIn(scene: ContainerScene): Promise<PreparedMeasurement> {
  const mirror = createRepository(join(scene.folder, 'mirror.git'), { 'readme.txt': 'hello\n' });
  const commit = git(mirror, 'rev-parse', 'main');
  const cold = scene.runner();
  const warm = scene.runner({ warm: { workers: 1, maximum: 2 } });
  const ready = (runner: typeof cold) => scene.until('checking out', runner, mirror, commit);
  await ready(warm);
  const fromWarm = async (): Promise<number> => {
    await scene.isWarm();
    const figure = await ready(warm);
    // The next one comes up before another side is measured.
    await setTimeout(quietMs);
    await scene.isWarm();
    return figure;
  };
  return { sides: [() => ready(cold), fromWarm], floor: bareContainer(scene.under), close: () => scene.close() };
}

const quietMs = 300;

/** How long a worker takes until it is ready, with none before the call and with one that waits. */
function workerReadyOn(name: RuntimeName, rounds: number): Measurement {
  const what = `worker ready for its task (container created, door open, first pull answered), ${name}`;
  return {
    unit: 'ms',
    floor: { name: 'bare container: create, start, wait for `true`, remove', durability: null },
    sides: [
      { row: 'P7a', name: what, durability: null, target: { bound: 'at most', ratio: 1.35 } },
      {
        row: 'P7b',
        name: `the same from a worker that waits, ${name}`,
        durability: null,
        target: { bound: 'at most', ratio: 0.3 },
      },
    ],
    rounds,
    prepare: () => prepare(name),
  };
}

export const workerReady = workerReadyOn('dod', 15);

/** What a container and its workspace cost on each runtime, or on one. */
export function containerCosts(only: RuntimeName | null): readonly Measurement[] {
  return runtimeNames
    .filter((name) => only === null || name === only)
    .flatMap((name) => [name === 'dod' ? workerReady : workerReadyOn(name, 9), workspaceReady(name)]);
}
