import { unwrap } from '@agentcompany/protocol';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { compareInspect } from '../compare-inspect.ts';
import { checkEngineLimits } from '../confinement.ts';
import { createBody, engineFeatures } from '../create-body.ts';
import { DockerEngine } from '../docker-api/docker-engine.ts';
import { engineSocket } from '../dod/engine-address.ts';
import { engineContract, type EngineUnderTest } from '../testing/engine-contract.ts';
import { hasRootlessPodman, RootlessEngine } from '../testing/rootless-engine.ts';
import { EngineTrial } from '../testing/contract/support.ts';
import { testLimits, WorkerFixture } from '../testing/worker-fixture.ts';
import { openRootlessEngine } from './open-engine.ts';

describe.skipIf(!hasRootlessPodman)('the engine contract on rootless Podman', () => {
  let podman: RootlessEngine;
  let under: EngineUnderTest;

  beforeAll(async () => {
    podman = await RootlessEngine.podman();
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

  it('is found in the runtime folder of its user, and by the address it is given', async () => {
    for (const environment of [podman.environment, { CONTAINER_HOST: `unix://${podman.socket}` }]) {
      const engine = unwrap(await openRootlessEngine({ environment, ociRuntime: 'runc' }));
      const { flavour, rootless } = unwrap(await engine.info());
      expect([flavour, rootless]).toEqual(['podman', true]);
    }
  });

  it('an engine that runs as root is refused, never used in its stead', async () => {
    const socket = unwrap(engineSocket(process.env['DOCKER_HOST'] ?? null));
    const environment = { ...podman.environment, CONTAINER_HOST: `unix://${socket}` };
    expect(await openRootlessEngine({ environment, ociRuntime: 'runc' })).toMatchObject({
      error: { code: 'AC_ROOTLESS_AS_ROOT', message: expect.stringContaining(socket) },
    });
  });

  it('a run root whose name is too long is warned of, where ends of containers come late for it', async () => {
    expect(unwrap(await under.engine.info()).warning).toBe(null);
    const long = await RootlessEngine.podman(`run/${'long-'.repeat(8)}`);
    onTestFinished(() => long.close());
    const fixture = await WorkerFixture.open(undefined, { engine: long.engine, image: await long.loadWorkerImage() });
    const logged: string[] = [];
    const log = (event: string): void => void logged.push(event);
    const runner = fixture.runner({ acceptNoLimits: true, log });
    unwrap(await runner.run(fixture.job(fixture.order())));
    const trial = new EngineTrial({ ...under, engine: long.engine }, fixture);
    const { id } = await trial.startScript('exit 3');
    const begun = performance.now();
    expect(unwrap(await long.engine.wait(id)).exitCode).toBe(3);
    const isLate = performance.now() - begun > 10_000;
    await fixture.close();
    const { warning } = unwrap(await long.engine.info());
    expect([warning?.code, logged]).toEqual(isLate ? ['AC_PODMAN_RUN_ROOT', ['engine-warning']] : [undefined, []]);
    expect(warning?.message ?? long.folder).toContain(long.folder);
    // Each end is waited for.
  }, 240_000);

  type Raw = Record<'Config' | 'HostConfig', Record<string, unknown>> & {
    Mounts: Record<string, unknown>[];
    Image: string;
  };
  const lies: readonly (readonly [string, (raw: Raw) => void])[] = [
    ['privileged', (raw) => void (raw.HostConfig['Privileged'] = true)],
    ['a writable root', (raw) => void (raw.HostConfig['ReadonlyRootfs'] = false)],
    ['another network', (raw) => void (raw.HostConfig['NetworkMode'] = 'host')],
    ['an added capability', (raw) => void (raw.HostConfig['CapAdd'] = ['SYS_ADMIN'])],
    ['no capability dropped', (raw) => void (raw.HostConfig['CapDrop'] = [])],
    ['no profile', (raw) => void (raw.HostConfig['SecurityOpt'] = ['no-new-privileges', 'seccomp=unconfined'])],
    ['new privileges', (raw) => void (raw.HostConfig['SecurityOpt'] as string[]).shift()],
    ['a bind', (raw) => void (raw.HostConfig['Binds'] as string[]).push('/:/host:ro,rprivate,rbind')],
    [
      'a writable bind',
      (raw) => void (raw.HostConfig['Binds'] = [`${String(raw.Mounts[0]?.['Source'])}:/mirror.git:rw`]),
    ],
    ['a writable mirror', (raw) => raw.Mounts.forEach((mount) => (mount['RW'] = true))],
    ['processes of the host', (raw) => void (raw.HostConfig['PidMode'] = 'host')],
    ['memory shared with the host', (raw) => void (raw.HostConfig['IpcMode'] = 'host')],
    [
      'an executable /tmp',
      (raw) => void (raw.HostConfig['Tmpfs'] = { ...tmpfsOf(raw), '/tmp': 'rw,exec,size=16777216' }),
    ],
    ['another tmpfs', (raw) => void (raw.HostConfig['Tmpfs'] = { ...tmpfsOf(raw), '/var/lib': 'rw' })],
    ['an open /run', (raw) => void delete tmpfsOf(raw)['/run']],
    ['a user name space of the host', (raw) => void (raw.HostConfig['UsernsMode'] = 'host')],
    ['another runtime', (raw) => void (raw.HostConfig['Runtime'] = 'kata')],
    ['another image', (raw) => void (raw.Image = `sha256:${'0'.repeat(64)}`)],
    ['another user', (raw) => void (raw.Config['User'] = '0:0')],
    ['a preloaded library', (raw) => void (raw.Config['Env'] as string[]).push('LD_PRELOAD=/x.so')],
  ];
  const tmpfsOf = (raw: Raw): Record<string, unknown> => raw.HostConfig['Tmpfs'] as Record<string, unknown>;

  it('C16 S1 a difference in any field that Podman shows is found, whatever its words', async () => {
    const fixture = await WorkerFixture.open(undefined, under);
    const { instance, mirror: mirrorFolder, runtime: runtimeFolder } = fixture;
    const { id: imageId } = unwrap(await under.engine.imageInspect(under.image));
    const owner = { instance, run: 'r', task: 't', attempt: 'a', epoch: 1 };
    const container = {
      owner,
      imageId,
      mirrorFolder,
      runtimeFolder,
      limits: testLimits,
      caches: [],
      workspaceVolume: null,
    };
    const features = engineFeatures(unwrap(await under.engine.info()));
    const body = createBody(container, features);
    const { id } = unwrap(await under.engine.create(container));
    const honest = unwrap(await under.engine.inspect(id)).raw;
    await fixture.close();
    expect(compareInspect(body, honest, features)).toEqual([]);
    const missed = lies.filter(([, alter]) => {
      const raw = structuredClone(honest) as unknown as Raw;
      alter(raw);
      return compareInspect(body, raw, features).length === 0;
    });
    expect(missed.map(([name]) => name)).toEqual([]);
  });
});
