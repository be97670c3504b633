import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openMirrorFacts } from '../../orchestrator/src/git/mirror-facts.ts';
import { ContainerScene, type MeasuredEngine } from '../containers/container-scene.ts';
import { timed } from '../measure.ts';
import type { Measurement, PreparedMeasurement, Side } from '../measurement.ts';
import { makeRepository } from '../large-repository.ts';

const longHistory = 2000;

/** A container that clones the repository over `file://` into memory, as a person would have it. */
function bareClone({ bare, image }: MeasuredEngine, mirror: string): () => Promise<number> {
  const script = 'git config --file /workspace/c safe.directory "*"; git clone --quiet file:///mirror.git /workspace/r';
  return () =>
    timed(async () => {
      const container = await bare.createContainer({
        Image: image,
        User: '10001:10001',
        Entrypoint: ['sh', '-c', script],
        Env: ['GIT_CONFIG_GLOBAL=/workspace/c', 'HOME=/workspace'],
        HostConfig: {
          NetworkMode: 'none',
          Binds: [`${mirror}:/mirror.git:ro`],
          Tmpfs: { '/workspace': 'rw,exec,mode=0700,uid=10001,gid=10001' },
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

async function prepare(open: () => MeasuredEngine): Promise<PreparedMeasurement> {
  const scene = await ContainerScene.open(open());
  const short = join(scene.folder, 'short.git');
  const long = join(scene.folder, 'long.git');
  const commits = { short: makeRepository(short, 1), long: makeRepository(long, longHistory) };
  const facts = openMirrorFacts();
  const folder = join(scene.folder, 'checkouts');
  const prepared = scene.runner({ workspaces: { folder, facts } });
  const warm = scene.runner({ workspaces: { folder, facts }, warm: { workers: 1, maximum: 2 } });
  for (const [mirror, commit] of [
    [short, commits.short],
    [long, commits.long],
  ] as const) {
    await scene.until('checking', prepared, mirror, commit);
    await prepared.checkouts?.settled();
  }
  const first = async (): Promise<number> => {
    const place = join(scene.folder, 'first');
    const runner = scene.runner({ workspaces: { folder: place, facts } });
    const figure = await scene.until('checking', runner, long, commits.long);
    await runner.close();
    await rm(place, { recursive: true, force: true });
    return figure;
  };
  const second = () => scene.until('checking', prepared, long, commits.long);
  const noHistory = () => scene.until('checking', prepared, short, commits.short);
  const fromWarm = async (): Promise<number> => {
    await scene.until('checking', warm, long, commits.long);
    await scene.isWarm();
    const figure = await scene.until('checking', warm, long, commits.long);
    await warm.checkouts?.settled();
    return figure;
  };
  return {
    sides: [first, fromWarm, second, noHistory],
    floor: bareClone(scene.under, long),
    close: () => scene.close(),
  };
}

/** How long it takes until a worker has its repository, container included, with 20,000 files. */
export function workspaceReady(name: string, open: () => MeasuredEngine): Measurement {
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
      side('P9', 'second task, no worker waits: a new container', null),
      side('P9', 'the same without the 2,000 commits of history', null),
    ],
    rounds: 7,
    prepare: () => prepare(open),
  };
}
