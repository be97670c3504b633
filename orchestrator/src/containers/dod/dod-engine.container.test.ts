import { unwrap } from '@agentcompany/protocol';
import Docker from 'dockerode';
import { beforeAll, describe, it } from 'vitest';
import { checkEngineLimits } from '../confinement.ts';
import { engineContract, type EngineUnderTest } from '../testing/engine-contract.ts';
import { workerImage } from '../testing/worker-fixture.ts';
import { engineSocket } from './engine-address.ts';
import { openDockerEngine } from './open-engine.ts';

describe("the engine contract on the machine's Docker", () => {
  let under: EngineUnderTest;

  beforeAll(async () => {
    const dockerHost = process.env['DOCKER_HOST'] ?? null;
    const engine = unwrap(openDockerEngine({ dockerHost }));
    const docker = new Docker({ socketPath: unwrap(engineSocket(dockerHost)) });
    under = {
      engine,
      enforcesLimits: checkEngineLimits(unwrap(await engine.info())).ok,
      image: await workerImage(engine),
      at: (socket) => unwrap(openDockerEngine({ dockerHost: `unix://${socket}` })),
      removeImage: async (reference) => void (await docker.getImage(reference).remove({ force: true })),
    };
  });

  engineContract({ it, engine: () => under });
});
