import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { unwrap } from '@agentcompany/protocol';
import Docker from 'dockerode';
import { beforeAll, describe, it } from 'vitest';
import { checkEngineLimits } from '../confinement.ts';
import { engineContract, type EngineUnderTest } from '../testing/engine-contract.ts';
import { workerImage } from '../testing/worker-fixture.ts';
import { engineSocket } from './engine-address.ts';
import { openDockerEngine } from './open-engine.ts';

const run = promisify(execFile);

describe("the engine contract on the machine's Docker", () => {
  let under: EngineUnderTest;

  beforeAll(async () => {
    const dockerHost = process.env['DOCKER_HOST'] ?? null;
    const engine = unwrap(openDockerEngine({ dockerHost }));
    const docker = new Docker({ socketPath: unwrap(engineSocket(dockerHost)) });
    under = {
      engine,
      image: await workerImage(engine),
      at: (socket) => unwrap(openDockerEngine({ dockerHost: `unix://${socket}` })),
      removeImage: async (reference) => void (await docker.getImage(reference).remove({ force: true })),
    };
  });

  engineContract({
    it,
    engine: () => under,
    enforcesLimits: async () => checkEngineLimits(unwrap(await under.engine.info())).ok,
    ...(process.getuid?.() === 0 && {
      chown: async (folder: string, uid: number) => void (await run('chown', ['-R', String(uid), folder])),
    }),
  });
});
