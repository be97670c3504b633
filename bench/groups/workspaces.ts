import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkerRunner } from '../../orchestrator/src/containers/worker-runner.ts';
import { openMirrorFacts } from '../../orchestrator/src/git/mirror-facts.ts';
import { ContainerScene } from '../containers/container-scene.ts';
import type { MeasuredEngine } from '../containers/measured-runtimes.ts';
import type { RuntimeName } from '../containers/runtime-names.ts';
import { timed } from '../measure.ts';
import type { Measurement, PreparedMeasurement, Run, Side } from '../measurement.ts';
import { makeRepository } from '../large-repository.ts';

const longHistory = 2000;

/** A container that clones the repository over `file://` into memory, as a person would have it. */
function bareClone({ bare, image }: MeasuredEngine, mirror: string): () => Promise<number> {
  const script = 'git config --file /tmp/c safe.directory "*"; git clone --quiet file:///mirror.git /tmp/r';
  return () =>
    timed(async () => {
      const container = await bare.createContainer({
        Image: image,
        User: '10001:10001',
        Entrypoint: ['sh', '-c', script],
        Env: ['GIT_CONFIG_GLOBAL=/tmp/c', 'HOME=/tmp'],
        HostConfig: {
          NetworkMode: 'none',
          Binds: [`${mirror}:/mirror.git:ro`],
          // Of the folders an image has, every user may write here, whoever the engine says it belongs to.
          Tmpfs: { '/tmp': 'rw,exec,mode=1777' },
        },
      });
      try {
        await container.start();
        const { StatusCode: status } = (await container.wait()) as { readonly StatusCode: number };
        if (status !== 0) throw new Error(`the bare clone ended with ${status}`);
      } finally {
        await container.remove({ force: true });
      }
    });
}

/** A task on a commit of which a checkout is prepared now. */
async function onPrepared(scene: ContainerScene, runner: WorkerRunner, mirror: string, commit: string): Promise<Run> {
  const run = () => scene.until('checking', runner, mirror, commit);
  await run();
  await runner.checkouts?.settled();
  return run;
}

function withoutHistory(scene: ContainerScene, runner: WorkerRunner): Promise<Run> {
  const short = join(scene.folder, 'short.git');
  return onPrepared(scene, runner, short, makeRepository(short, 1));
}

async function prepare(name: RuntimeName): Promise<PreparedMeasurement> {
  const scene = await ContainerScene.open(name);
  return scene.orClose(() => prepareIn(scene));
}

async function prepareIn(scene: ContainerScene): Promise<PreparedMeasurement> {
  const long = join(scene.folder, 'long.git');
  const longCommit = makeRepository(long, longHistory);
  const facts = openMirrorFacts();
  const folder = join(scene.folder, 'checkouts');
  const prepared = scene.runner({ workspaces: { folder, facts } });
  const warm = scene.runner({ workspaces: { folder, facts }, warm: { workers: 1, maximum: 2 } });
  const second = await onPrepared(scene, prepared, long, longCommit);
  const first = async (): Promise<number> => {
    const place = join(scene.folder, 'first');
    const runner = scene.runner({ workspaces: { folder: place, facts } });
    const figure = await scene.until('checking', runner, long, longCommit);
    await runner.close();
    await rm(place, { recursive: true, force: true });
    return figure;
  };
  const fromWarm = async (): Promise<number> => {
    await scene.until('checking', warm, long, longCommit);
    await scene.isWarm();
    const figure = await scene.until('checking', warm, long, longCommit);
    await warm.checkouts?.settled();
    return figure;
  };
  return {
    sides: [first, fromWarm, ...(scene.name === 'dod' ? [second, await withoutHistory(scene, prepared)] : [])],
    floor: bareClone(scene.under, long),
    notes: () => scene.notes(),
    close: () => scene.close(),
  };
}

/** How long it takes until a worker has its repository, container included, with 20,000 files. */
export function workspaceReady(name: RuntimeName): Measurement {
  const side = (row: string, what: string, ratio: number | null): Side => ({
    row,
    name: `${what}, ${name}`,
    durability: null,
    target: ratio === null ? null : { bound: 'at most', ratio },
  });
  return {
    unit: 'ms',
    floor: {
      name: 'bare container that runs `git clone file://` into memory, 20,000 files, 2,000 commits',
      durability: null,
    },
    sides: [
      side('P9a', 'workspace ready, first task on a commit', 0.5),
      side('P9b', 'the same, second task on the commit', 0.1),
      // What does not depend on the engine is measured on one.
      ...(name === 'dod'
        ? [
            side('P9', 'second task, no worker waits: a new container', null),
            side('P9', 'the same without the 2,000 commits of history', null),
          ]
        : []),
    ],
    rounds: name === 'dod' ? 7 : 5,
    prepare: () => prepare(name),
  };
}
