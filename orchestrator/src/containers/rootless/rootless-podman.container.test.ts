import { unwrap } from '@agentcompany/protocol';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { checkEngineLimits } from '../confinement.ts';
import { DockerEngine } from '../docker-api/docker-engine.ts';
import { engineContract, type EngineUnderTest } from '../testing/engine-contract.ts';
import { RootlessPodman } from '../testing/rootless-podman.ts';

describe('the engine contract on rootless Podman', () => {
  let podman: RootlessPodman;
  let under: EngineUnderTest;

  beforeAll(async () => {
    podman = await RootlessPodman.open();
    const { engine, socket } = podman;
    const docker = new Docker({ socketPath: socket });
    under = {
      engine,
      enforcesLimits: checkEngineLimits(unwrap(await engine.info())).ok,
      image: await podman.loadWorkerImage(),
      at: (other) => new DockerEngine(other),
      removeImage: async (reference) => void (await docker.getImage(reference).remove({ force: true })),
    };
  });
  afterAll(() => podman.close());

  engineContract({ it, engine: () => under });
});
