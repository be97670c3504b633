import { unwrap } from '@agentcompany/protocol';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { checkEngineLimits } from '../confinement.ts';
import { engineSocket } from '../dod/engine-address.ts';
import { openDockerEngine } from '../dod/open-engine.ts';
import { engineContract, type EngineUnderTest } from '../testing/engine-contract.ts';
import { openOwnDind, type OwnDind } from '../testing/own-dind.ts';
import { workerImage } from '../testing/worker-fixture.ts';

/** Making the image of the inner engine, where there is none. */
const buildMs = 600_000;

describe('the engine contract on docker-in-docker', () => {
  let dind: OwnDind;
  let under: EngineUnderTest;

  beforeAll(async () => {
    dind = await openOwnDind();
    const docker = new Docker({ socketPath: unwrap(engineSocket(process.env['DOCKER_HOST'] ?? null)) });
    under = {
      engine: dind.engine,
      enforcesLimits: checkEngineLimits(unwrap(await dind.engine.info())).ok,
      image: await workerImage(dind.machine),
      at: (socket) => unwrap(openDockerEngine({ dockerHost: `unix://${socket}` })),
      removeImage: async (reference) => void (await docker.getImage(reference).remove({ force: true })),
    };
  }, buildMs);
  afterAll(() => dind.close());

  engineContract({ it, engine: () => under });
});
