import { unwrap } from '@agentcompany/protocol';
import { checkEngineLimits } from '../confinement.ts';
import type { ContainerEngine } from '../container-engine.ts';
import { openDockerEngine } from '../dod/open-engine.ts';
import { RootlessPodman } from './rootless-podman.ts';
import { workerImage } from './worker-fixture.ts';

/** A real engine on which attacks are carried out. */
export interface OpenRuntime {
  readonly engine: ContainerEngine;
  /** Reference of the worker image, as this engine knows it. */
  readonly image: string;
  /** Whether it can hold workers to their limits on this machine; where it cannot, workers are made only because that is accepted. */
  readonly enforcesLimits: boolean;
  close(): Promise<void>;
}

export interface RuntimeUnderTest {
  readonly name: 'dod' | 'rootless' | 'dind';
  open(): Promise<OpenRuntime>;
}

async function describeRuntime(
  engine: ContainerEngine,
  image: string,
  close: () => Promise<void>,
): Promise<OpenRuntime> {
  const enforcesLimits = checkEngineLimits(unwrap(await engine.info())).ok;
  return { engine, image, enforcesLimits, close };
}

/** Every runtime that attacks are carried out on: `describe.each(runtimesUnderTest)`. */
export const runtimesUnderTest: readonly RuntimeUnderTest[] = [
  {
    name: 'dod',
    open: async () => {
      const engine = unwrap(openDockerEngine({ dockerHost: process.env['DOCKER_HOST'] ?? null }));
      return describeRuntime(engine, await workerImage(engine), async () => undefined);
    },
  },
  {
    name: 'rootless',
    open: async () => {
      const podman = await RootlessPodman.open();
      return describeRuntime(podman.engine, await podman.loadWorkerImage(), () => podman.close());
    },
  },
];
