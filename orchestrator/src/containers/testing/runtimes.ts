import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { checkEngineLimits } from '../confinement.ts';
import type { ContainerEngine } from '../container-engine.ts';
import { engineSocket } from '../dod/engine-address.ts';
import { openDockerEngine } from '../dod/open-engine.ts';
import { openOwnDind } from './own-dind.ts';
import { hasRootlessDocker, hasRootlessPodman, RootlessEngine } from './rootless-engine.ts';
import { workerImage } from './worker-fixture.ts';

/** A real engine on which attacks are carried out. */
export interface OpenRuntime {
  readonly engine: ContainerEngine;
  /** The engine's socket file. */
  readonly socket: string;
  /** Reference of the worker image, as this engine knows it. */
  readonly image: string;
  /** Whether it can hold workers to their limits on this machine; where it cannot, workers are made only because that is accepted. */
  readonly enforcesLimits: boolean;
  close(): Promise<void>;
}

/** Every runtime, whether this machine has it or not. */
export const runtimeNames = ['dod', 'rootless Podman', 'rootless Docker', 'dind'] as const;

export interface RuntimeUnderTest {
  readonly name: (typeof runtimeNames)[number];
  readonly open: () => Promise<OpenRuntime>;
}

async function describeRuntime(found: Omit<OpenRuntime, 'enforcesLimits'>): Promise<OpenRuntime> {
  return { ...found, enforcesLimits: checkEngineLimits(unwrap(await found.engine.info())).ok };
}

async function openRootless(starting: Promise<RootlessEngine>): Promise<OpenRuntime> {
  const rootless = await starting;
  const { engine, socket } = rootless;
  return describeRuntime({ engine, socket, image: await rootless.loadWorkerImage(), close: () => rootless.close() });
}

/** A runtime that this machine lacks is left out, as tests/may-skip.json permits (`rootless`); in continuous integration never. */
function isWanted(isInstalled: boolean): boolean {
  return isInstalled || process.env['CI'] === 'true';
}

/** Every runtime that attacks are carried out on: `describe.each(runtimesUnderTest)`. */
export const runtimesUnderTest: readonly RuntimeUnderTest[] = [
  {
    name: 'dod',
    open: async () => {
      const dockerHost = process.env['DOCKER_HOST'] ?? null;
      const engine = unwrap(openDockerEngine({ dockerHost }));
      const socket = unwrap(engineSocket(dockerHost));
      return describeRuntime({ engine, socket, image: await workerImage(engine), close: async () => undefined });
    },
  },
  ...(isWanted(hasRootlessPodman)
    ? [{ name: 'rootless Podman', open: () => openRootless(RootlessEngine.podman()) } as const]
    : []),
  ...(isWanted(hasRootlessDocker)
    ? [{ name: 'rootless Docker', open: () => openRootless(RootlessEngine.docker()) } as const]
    : []),
];

/** Those and docker-in-docker, whose inner engine takes long to start: for what is to be seen on each. */
export const everyRuntime: readonly RuntimeUnderTest[] = [
  ...runtimesUnderTest,
  {
    name: 'dind',
    open: async () => {
      const dind = await openOwnDind();
      const { engine, exchangeFolder, machine } = dind;
      const close = () => dind.close();
      return describeRuntime({
        engine,
        socket: join(exchangeFolder, 'docker.sock'),
        image: await workerImage(machine),
        close,
      });
    },
  },
];
