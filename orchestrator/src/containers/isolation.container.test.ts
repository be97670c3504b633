import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { unwrap, type Result } from '@agentcompany/protocol';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runtimesUnderTest, type OpenRuntime } from './testing/runtimes.ts';
import { testLimits, WorkerFixture } from './testing/worker-fixture.ts';
import type { WorkerOwner } from './worker-container.ts';

const host = new URL('./testing/run-until-killed.ts', import.meta.url).pathname;

describe.each(runtimesUnderTest)('on $name, workers, each other and their owners', ({ open }) => {
  let runtime: OpenRuntime;
  let fixture: WorkerFixture;
  beforeAll(async () => {
    runtime = await open();
    fixture = await WorkerFixture.open(undefined, runtime);
  });
  afterAll(async () => {
    await fixture.close();
    await runtime.close();
  });

  const listed = async (instance: string): Promise<string[]> =>
    unwrap(await fixture.engine.list(instance)).map(({ id }) => id);

  async function createFor(owner: Partial<WorkerOwner>): Promise<string> {
    const { id: imageId } = unwrap(await fixture.engine.imageInspect(fixture.image));
    const { id } = unwrap(
      await fixture.engine.create({
        owner: { instance: fixture.instance, run: 'r', task: 't', attempt: randomUUID(), epoch: 1, ...owner },
        imageId,
        mirrorFolder: fixture.mirror,
        runtimeFolder: fixture.runtime,
        limits: testLimits,
        workspaceVolume: null,
        caches: [],
      }),
    );
    return id;
  }

  const isThere = async (id: string): Promise<boolean> => (await fixture.engine.inspect(id)).ok;

  it('C17 of two workers at once, one can neither read, reach nor see the other, nor the host; both are gone after', async () => {
    const secret = randomUUID();
    await writeFile(`${fixture.folder}/host-secret`, secret, { mode: 0o644 });
    const listen = `use Socket; $| = 1; socket(my $t, PF_INET, SOCK_STREAM, 6); bind($t, pack_sockaddr_in(5555, INADDR_ANY)); listen($t, 5);
      socket(my $u, PF_UNIX, SOCK_STREAM, 0); bind($u, pack("Sa*", 1, "\\0neighbour")); listen($u, 5); print "listening\\n"; sleep 60`;
    const command = `echo ${secret} > /workspace/secret; echo ${secret} > secret; perl -e '${listen}'`;
    const controller = new AbortController();
    const order = fixture.order({ run: { command }, command_timeout: 70 });
    const neighbourJob = fixture.job(order, { signal: controller.signal });
    const neighbour = fixture.runner().run(neighbourJob);
    await vi.waitFor(async () => expect(await readFile(neighbourJob.logFile, 'utf8')).toContain('listening'), 20_000);
    expect(await listed(fixture.instance)).toHaveLength(1);

    const connect = `use Socket; socket(my $t, PF_INET, SOCK_STREAM, 6); print "tcp ", (connect($t, pack_sockaddr_in(5555, inet_aton("127.0.0.1"))) ? "REACHED" : "failed"), "\\n";
      socket(my $u, PF_UNIX, SOCK_STREAM, 0); print "unix ", (connect($u, pack("Sa*", 1, "\\0neighbour")) ? "REACHED" : "failed"), "\\n";`;
    const output = await fixture.probe(`
      perl -e '${connect}'
      find / -xdev -name secret 2>/dev/null; find / -name host-secret 2>/dev/null; cat ${fixture.folder}/host-secret 2>&1; ls ${fixture.folder} 2>&1
      cat /proc/*/cmdline | tr '\\0' ' ' | grep -c 'bind[(]' ; ls /var/run/docker.sock /run/docker.sock /root/.ssh /home/*/.ssh 2>&1
      for tool in docker podman runc ctr; do command -v $tool; done; unshare -r true 2>&1; find / -type s 2>/dev/null; echo looked`);
    expect(output).toMatch(/^tcp failed\nunix failed\ncat: /);
    expect(output).not.toContain(secret);
    expect(output).toContain(`cannot access '${fixture.folder}'`);
    expect(output).toMatch(/\n0\nls: cannot access '\/var\/run\/docker\.sock'/);
    expect(output).toMatch(/looked\n$/);
    expect(output.match(/No such file/g)?.length).toBeGreaterThanOrEqual(4);

    controller.abort();
    expect(await neighbour).toMatchObject({ error: { code: 'AC_WORKER_CANCELLED' } });
    expect(await listed(fixture.instance)).toEqual([]);
  });

  it('C17 S79 when the host process is killed, its worker ends by itself and the sweep removes it', async () => {
    const {
      signal: _signal,
      onCreated: _created,
      onProgress: _progress,
      ...job
    } = fixture.job(fixture.order({ run: { command: 'sleep 300' }, command_timeout: 400 }), { deadlineSeconds: 400 });
    const { acceptNoLimits, image: defaultImage, instance, runtime: runtimeFolder } = fixture;
    const runner = { acceptNoLimits, defaultImage, instance, runtimeFolder };
    const child = spawn(process.execPath, ['--conditions=development', host, JSON.stringify({ job, runner })], {
      env: { ...process.env, DOCKER_HOST: `unix://${runtime.socket}` },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface({ input: child.stdout })) if (line === 'working') break;
    child.kill('SIGKILL');
    const [id = ''] = await listed(fixture.instance);
    expect(unwrap(await fixture.engine.wait(id, AbortSignal.timeout(20_000)))).toEqual({ exitCode: 7 });
    expect(unwrap(await fixture.runner().sweep(() => false))).toBe(1);
    expect(await isThere(id)).toBe(false);
  });

  it('S16 the sweep removes only containers of exactly this instance whose attempt is not live', async () => {
    const dead = await createFor({ attempt: 'AB' });
    const live = await createFor({ attempt: 'A' });
    const longer = await createFor({ instance: `${fixture.instance}B`, attempt: 'AB' });
    const other = await createFor({ instance: randomUUID(), attempt: 'AB' });
    try {
      expect(unwrap(await fixture.runner().sweep((attempt) => attempt === 'A'))).toBe(1);
      expect(await Promise.all([dead, live, longer, other].map(isThere))).toEqual([false, true, true, true]);
    } finally {
      for (const id of [live, longer, other]) unwrap(await fixture.engine.remove(id));
    }
  });

  it('S16 the sweep leaves what others named like ours, or gave labels that only look like ours', async () => {
    const { instance } = fixture;
    const docker = new Docker({ socketPath: runtime.socket });
    const foreign: readonly Record<string, string>[] = [
      {},
      { 'agentcompany.instance': instance.toUpperCase() },
      { 'agentcompany.instance': instance.slice(0, -1) },
      { 'agentcompany.instance': `${instance},agentcompany.instance=${instance}` },
      { 'agentcompany.instances': instance },
      { 'AgentCompany.Instance': instance },
      { instance, 'agentcompany.attempt': 'AB' },
    ];
    const made = await Promise.all(
      foreign.map((Labels) =>
        docker.createContainer({ name: `agentcompany-${randomUUID()}`, Image: fixture.image, Cmd: ['true'], Labels }),
      ),
    );
    try {
      const dead = await createFor({});
      expect(unwrap(await fixture.runner().sweep(() => false))).toBe(1);
      expect(await isThere(dead)).toBe(false);
      expect(await Promise.all(made.map(({ id }) => isThere(id)))).toEqual(made.map(() => true));
    } finally {
      for (const container of made) await container.remove({ force: true });
    }
  });

  it('S16 a sweep in operation leaves the containers of the runner’s own jobs, and a doctor’s that runs', async () => {
    const runner = fixture.runner();
    const running = Promise.withResolvers<void>();
    const onProgress = (message: string): void => (message === 'working' ? running.resolve() : undefined);
    const order = fixture.order({ run: { command: 'sleep 2; echo x > x' } });
    const job = runner.run(fixture.job(order, { onProgress }));
    await running.promise;
    const orphan = await createFor({});
    const doctor = await createFor({ run: 'doctor' });
    const attached = unwrap(await fixture.engine.attach(doctor));
    unwrap(await fixture.engine.start(doctor));
    expect(unwrap(await runner.sweep(() => false))).toBe(1);
    expect(await Promise.all([orphan, doctor].map(isThere))).toEqual([false, true]);
    expect(unwrap(await job).report.outcome).toBe('done');
    attached.close();
    unwrap(await fixture.engine.kill(doctor));
    expect(unwrap(await runner.sweep(() => false))).toBe(1);
    expect(await isThere(doctor)).toBe(false);
  });

  it('S17 a crash between create and record leaves an orphan that the next start finds by its label', async () => {
    let orphan = '';
    const onCreated = (id: string): Promise<Result<undefined>> => {
      orphan = id;
      throw new Error('the process ends here');
    };
    const surviving = fixture.altered({ remove: () => Promise.resolve({ ok: true, value: undefined }) });
    const runner = fixture.runner({ engine: surviving });
    await expect(runner.run(fixture.job(fixture.order(), { onCreated }))).rejects.toThrow('the process ends here');
    expect(await listed(fixture.instance)).toEqual([orphan]);
    expect(unwrap(await fixture.runner().sweep(() => false))).toBe(1);
    expect(await listed(fixture.instance)).toEqual([]);
  });

  it('S17 two instances on one engine never reap each other', async () => {
    const otherInstance = randomUUID();
    const other = fixture.runner({ instance: otherInstance });
    const [mine, theirs] = [await createFor({}), await createFor({ instance: otherInstance })];
    expect(unwrap(await other.sweep(() => false))).toBe(1);
    expect(await Promise.all([mine, theirs].map(isThere))).toEqual([true, false]);
    const theirsAgain = await createFor({ instance: otherInstance });
    expect(unwrap(await fixture.runner().sweep(() => false))).toBe(1);
    expect(await Promise.all([mine, theirsAgain].map(isThere))).toEqual([false, true]);
    expect(unwrap(await other.sweep(() => false))).toBe(1);
  });

  it('closing a runner ends its jobs as cancelled and removes their containers', async () => {
    const runner = fixture.runner();
    const running = Promise.withResolvers<void>();
    const onProgress = (message: string): void => (message === 'working' ? running.resolve() : undefined);
    const job = runner.run(fixture.job(fixture.order({ run: { command: 'sleep 60' } }), { onProgress }));
    await running.promise;
    await runner.close();
    expect(await job).toMatchObject({ error: { code: 'AC_WORKER_CANCELLED' } });
    expect(await listed(fixture.instance)).toEqual([]);
  });
});
