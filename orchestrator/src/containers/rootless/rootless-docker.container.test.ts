import { unwrap } from '@agentcompany/protocol';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkEngineLimits } from '../confinement.ts';
import { DockerEngine } from '../docker-api/docker-engine.ts';
import { engineContract, type EngineUnderTest } from '../testing/engine-contract.ts';
import { hasRootlessDocker, RootlessEngine } from '../testing/rootless-engine.ts';
import { openRootlessEngine } from './open-engine.ts';

describe.skipIf(!hasRootlessDocker)('the engine contract on rootless Docker', () => {
  let rootless: RootlessEngine;
  let under: EngineUnderTest;

  beforeAll(async () => {
    rootless = await RootlessEngine.docker();
    const { engine, socket } = rootless;
    const docker = new Docker({ socketPath: socket });
    under = {
      engine,
      enforcesLimits: checkEngineLimits(unwrap(await engine.info())).ok,
      image: await rootless.loadWorkerImage(),
      at: (other) => new DockerEngine(other),
      removeImage: async (reference) => void (await docker.getImage(reference).remove({ force: true })),
    };
  });
  afterAll(() => rootless.close());

  engineContract({ it, engine: () => under });

  it('is found in the runtime folder of its user', async () => {
    const engine = unwrap(await openRootlessEngine({ environment: rootless.environment, ociRuntime: 'runc' }));
    const { flavour, rootless: isRootless } = unwrap(await engine.info());
    expect([flavour, isRootless]).toEqual(['docker', true]);
  });
});
