import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { success, unwrap, type WorkOrder } from '@agentcompany/protocol';
import Docker from 'dockerode';
import { openDockerEngine } from '../../orchestrator/src/containers/dod/open-engine.ts';
import { createWorkerRunner } from '../../orchestrator/src/containers/sealed-worker-runner.ts';
import type { WorkerJob } from '../../orchestrator/src/containers/worker-runner.ts';
import { createRepository, git } from '../../tests/support/open-test-company.ts';
import { timed } from '../measure.ts';
import type { Measurement, PreparedMeasurement } from '../measurement.ts';
import { checkout, workerImage } from '../worker-image.ts';
import { noServices } from '../../orchestrator/src/door/attempt-services.ts';

const mebibyte = 1024 ** 2;

/** The least a container can cost: nothing in it, and nobody looks at it. */
function bareContainer(docker: Docker, image: string): () => Promise<number> {
  return () =>
    timed(async () => {
      const container = await docker.createContainer({
        Image: image,
        Entrypoint: ['true'],
        HostConfig: { NetworkMode: 'none' },
      });
      await container.start();
      await container.wait();
      await container.remove();
    });
}

async function prepare(): Promise<PreparedMeasurement> {
  const folder = await mkdtemp(join(tmpdir(), 'agentcompany-bench-'));
  const mirror = createRepository(join(folder, 'mirror.git'), { 'readme.txt': 'hello\n' });
  const order: WorkOrder = {
    kind: 'verify',
    mirror: '/mirror.git',
    base_oid: git(mirror, 'rev-parse', 'main'),
    command_timeout: 30,
    verify: ['true'],
  };
  const image = workerImage();
  const engine = unwrap(openDockerEngine({ dockerHost: process.env['DOCKER_HOST'] ?? null }));
  const instance = randomUUID();
  const runner = createWorkerRunner({
    engine,
    instance,
    defaultImage: image,
    runtimeFolder: join(checkout, 'worker-image', 'dist'),
  });

  /** From the call to the worker's first word after it has its order; how the worker ends is not part of it. */
  const ours = async (): Promise<number> => {
    const begun = performance.now();
    const ready = Promise.withResolvers<number>();
    const job: WorkerJob = {
      owner: { instance, run: randomUUID(), task: 'bench', attempt: randomUUID(), epoch: 1 },
      order,
      mirrorFolder: mirror,
      image: null,
      services: noServices,
      limits: {
        memoryBytes: 512 * mebibyte,
        pids: 128,
        cpus: 2,
        workspaceBytes: 128 * mebibyte,
        temporaryBytes: 16 * mebibyte,
      },
      bundleFile: null,
      logFile: join(folder, 'logs', `${randomUUID()}.log`),
      deadlineSeconds: 60,
      signal: new AbortController().signal,
      onCreated: () => Promise.resolve(success()),
      onProgress: () => ready.resolve(performance.now() - begun),
    };
    unwrap(await runner.run(job));
    return ready.promise;
  };
  const close = async (): Promise<void> => {
    await runner.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { sides: [ours], floor: bareContainer(new Docker(), image), close };
}

/** A cold worker: no pool, no container before the call. */
export const workerReady: Measurement = {
  unit: 'ms',
  floor: { name: 'bare container: create, start, wait for `true`, remove', durability: null },
  sides: [
    {
      row: 'P7',
      name: 'worker ready for its task (container created, door open, first pull answered)',
      durability: null,
      target: { bound: 'at most', ratio: 1.35 },
    },
  ],
  rounds: 15,
  prepare,
};
