import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { unwrap } from '@agentcompany/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineSocket } from '../dod/engine-address.ts';
import { hostLimits } from '../host-limits.ts';
import { engineImage, openOwnDind, type OwnDind } from '../testing/own-dind.ts';
import { testLimits, workerImage, WorkerFixture } from '../testing/worker-fixture.ts';
import { outerBody, outerName, type OuterContainer } from './outer-body.ts';
import { OuterEngine } from './outer-engine.ts';
import { startOuter } from './start-outer.ts';

const buildMs = 600_000;
const gibibyte = 1024 ** 3;

/** What a company that has an engine of its own asks of the machine's, and nothing else (C18). */
const allowed = [
  /^GET \/(info|version|_ping)$/,
  /^GET \/images\/[^/?]+\/(json|get)\??$/,
  /^GET \/containers\/(agentcompany-engine-[0-9a-f-]{36}|[0-9a-f]{64})\/json\??$/,
  /^POST \/containers\/create\?name=agentcompany-engine-[0-9a-f-]{36}$/,
  /^POST \/containers\/[0-9a-f]{64}\/start\??$/,
];

describe('the outer container of docker-in-docker', () => {
  let dind: OwnDind;
  let fixture: WorkerFixture;
  let proxy: Server;
  let sent = '';
  beforeAll(async () => {
    const real = unwrap(engineSocket(process.env['DOCKER_HOST'] ?? null));
    proxy = createServer((client) => {
      const upstream = connect(real);
      client.on('data', (chunk) => (sent += chunk.toString('latin1')));
      client.pipe(upstream).pipe(client);
      client.on('error', () => upstream.destroy());
      upstream.on('error', () => client.destroy());
    });
    dind = await openOwnDind();
    const path = join(dind.exchangeFolder, '..', 'machine.sock');
    await new Promise<void>((resolve) => void proxy.listen(path, resolve));
    const engine = unwrap(await dind.again({ dockerHost: `unix://${path}` }));
    fixture = await WorkerFixture.open(undefined, { engine, image: await workerImage(dind.machine) });
  }, buildMs);
  afterAll(async () => {
    await fixture.close();
    proxy.close();
    await dind.close();
  });

  const outerContainer = async (instance: string): Promise<OuterContainer> => ({
    instance,
    exchangeFolder: join(dind.exchangeFolder, '..', instance.slice(0, 8)),
    imageId: await engineImage(dind.machine),
    sharedFolders: [],
    group: 0,
    limits: { memoryBytes: gibibyte, pids: 512, cpus: 1 },
  });

  const outer = async () => unwrap(await dind.machine.inspect(outerName(dind.instance)));

  it('C18 S1 is the one thing more that is asked of the machine, and is not privileged', async () => {
    const command = 'ls -A /run/engine /var/lib/docker /var/run/docker.sock; id -u; ls /sys/class/net; echo looked';
    const output = await fixture.probe(command);
    expect(output.match(/No such file/g)).toHaveLength(3);
    expect(output).toMatch(/\n10001\nlo\nlooked\n$/);
    const calls = [...sent.matchAll(/((?:GET|POST|PUT|DELETE|HEAD|PATCH|OPTIONS) \S+) HTTP\/1\.1\r\n/g)].map(
      (match) => match[1] ?? '',
    );
    expect(calls.length).toBe(sent.split(' HTTP/1.1\r\n').length - 1);
    expect(calls.filter((call) => !allowed.some((pattern) => pattern.test(call)))).toEqual([]);
    expect(allowed.filter((pattern) => !calls.some((call) => pattern.test(call)))).toEqual([]);
    const { HostConfig: host, NetworkSettings: network } = (await outer()).raw as Record<
      string,
      Record<string, unknown>
    >;
    expect(host).toMatchObject({
      Privileged: false,
      NetworkMode: 'none',
      PidMode: '',
      ReadonlyRootfs: true,
      AutoRemove: false,
    });
    expect(network?.['Networks']).toEqual({});
    expect(host?.['CapDrop']).toEqual(['ALL']);
  });

  it('S12 its limits hold for itself and all its workers together', async () => {
    const { id } = await outer();
    expect(await hostLimits(dind.machine, id)).toEqual({ memoryBytes: 4 * gibibyte, pids: 4096, cpus: 2 });
    const started = Promise.withResolvers<string>();
    const stop = new AbortController();
    const start = async (container: string) => {
      const result = await fixture.engine.start(container);
      started.resolve(container);
      return result;
    };
    const order = fixture.order({ run: { command: 'sleep 60' } });
    const job = fixture.finish(order, { signal: stop.signal }, { engine: fixture.altered({ start }) });
    const container = await started.promise;
    // Its group lies below the outer container's, by the names that both engines gave.
    const groups = await groupsNamed(container);
    expect(groups.length).toBeGreaterThan(0);
    for (const group of groups) expect(group).toContain(id);
    stop.abort();
    expect((await job).result).toMatchObject({ error: { code: 'AC_WORKER_CANCELLED' } });
  });

  it('S12 a worker in it has the limits it was given', async () => {
    const files = 'memory.max memory/memory.limit_in_bytes pids.max pids/pids.max';
    const output = await fixture.probe(`cd /sys/fs/cgroup; cat ${files} 2> /dev/null; true`);
    expect(output.trim().split('\n')).toEqual([String(testLimits.memoryBytes), String(testLimits.pids)]);
  });

  it('is found again by its company, and made anew only in another form', async () => {
    const { id } = await outer();
    const other = unwrap(await dind.again());
    unwrap(await other.ping());
    expect((await outer()).id).toBe(id);
    const limits = { memoryBytes: 3 * gibibyte, pids: 2048, cpus: 1 };
    const { instance, exchangeFolder } = dind;
    const place = { instance, exchangeFolder, sharedFolders: [join(exchangeFolder, '..', 'shared')], limits };
    const process = spawn('sleep', ['300']);
    await once(process, 'spawn');
    // As long as another process of the company uses it, it is left alone.
    const held = join(exchangeFolder, `held-${process.pid}`);
    await writeFile(held, '');
    const changed = unwrap(await dind.again({ place }));
    expect(await changed.ping()).toMatchObject({ error: { code: 'AC_DIND_HELD' } });
    expect((await outer()).id).toBe(id);
    process.kill();
    await once(process, 'exit');
    unwrap(await changed.ping());
    expect((await outer()).id).not.toBe(id);
    expect(await hostLimits(dind.machine, (await outer()).id)).toEqual(limits);
    expect(await readdir(exchangeFolder)).not.toContain(`held-${process.pid}`);
    unwrap(await dind.machine.remove(outerName(dind.instance)));
  });

  it('S77 is started again with the next call when it has ended, with its images', async () => {
    unwrap(await fixture.engine.ping());
    const { id } = await outer();
    unwrap(await dind.machine.kill(id));
    const finished = await fixture.finish(fixture.order());
    expect(unwrap(finished.result).report.outcome).toBe('done');
    expect((await outer()).id).toBe(id);
  });

  it('C17 ends by itself when no process of its company is there any more', async () => {
    // Started without an engine object, which would go on saying that this process is there.
    const machine = new OuterEngine(unwrap(engineSocket(process.env['DOCKER_HOST'] ?? null)));
    const container = await outerContainer(randomUUID());
    const name = outerName(container.instance);
    try {
      unwrap(await startOuter(machine, container));
      const past = new Date(Date.now() - 180_000);
      await utimes(join(container.exchangeFolder, `held-${process.pid}`), past, past);
      const { id } = unwrap(await dind.machine.inspect(name));
      unwrap(await dind.machine.wait(id, AbortSignal.timeout(100_000)));
      expect(unwrap(await dind.machine.inspect(name)).state.status).toBe('exited');
    } finally {
      unwrap(await dind.machine.remove(name));
    }
  });

  it('S1 is removed and never started when it was not made as asked', async () => {
    unwrap(await dind.machine.remove(outerName(dind.instance)));
    const machine = new OuterEngine(unwrap(engineSocket(process.env['DOCKER_HOST'] ?? null)));
    const container = await outerContainer(dind.instance);
    const find = machine.machine.inspect.bind(machine.machine);
    machine.machine.inspect = async (name) => {
      const found = await find(name);
      if (!found.ok) return found;
      const raw = structuredClone({ ...found.value.raw });
      (raw['HostConfig'] as Record<string, unknown>)['Privileged'] = true;
      return { ok: true, value: { ...found.value, raw } };
    };
    expect(outerBody(container).HostConfig.Privileged).toBe(false);
    expect(await startOuter(machine, container)).toMatchObject({
      error: { code: 'AC_DIND_DIFFERS', message: expect.stringContaining('Privileged') },
    });
    expect(await dind.machine.inspect(outerName(dind.instance))).toMatchObject({
      error: { code: 'AC_CONTAINER_UNKNOWN' },
    });
  });

  it('shows its workers nothing but the folders they mount from', async () => {
    const stranger = await WorkerFixture.open(undefined, { engine: fixture.engine, image: fixture.image });
    const { owner } = stranger.job(stranger.order());
    const { id: imageId } = unwrap(await fixture.engine.imageInspect(fixture.image));
    const created = await fixture.engine.create({
      owner,
      imageId,
      mirrorFolder: '/etc',
      runtimeFolder: null,
      limits: testLimits,
      workspaceVolume: null,
      caches: [],
    });
    expect(created).toMatchObject({ error: { code: 'AC_DIND_FOLDER', message: expect.stringContaining('/etc') } });
    await rm(stranger.folder, { recursive: true });
  });
});

/** The memory groups of this machine whose name holds that of a container. */
async function groupsNamed(container: string): Promise<readonly string[]> {
  const all = await readdir('/sys/fs/cgroup', { recursive: true });
  return all.filter((path) => path.endsWith(container) || path.includes(`${container}.scope`));
}
