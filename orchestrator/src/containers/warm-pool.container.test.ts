import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { unwrap, type Result } from '@agentcompany/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { OwnedContainer } from './container-engine.ts';
import type { WorkerRunnerOptions } from './sealed-worker-runner.ts';
import { runtimesUnderTest, type OpenRuntime } from './testing/runtimes.ts';
import { WorkerFixture } from './testing/worker-fixture.ts';
import { labelNames } from './worker-labels.ts';
import type { WorkerJob, WorkerRunner } from './worker-runner.ts';

const host = new URL('./testing/run-until-killed.ts', import.meta.url).pathname;
const waitMs = 20_000;

describe.each(runtimesUnderTest)('on $name, workers that wait for work', (underTest) => {
  let runtime: OpenRuntime;
  let fixture: WorkerFixture;
  const runners: WorkerRunner[] = [];
  beforeAll(async () => {
    runtime = await underTest.open();
  });
  afterAll(() => runtime.close());
  beforeEach(async () => {
    fixture = await WorkerFixture.open(undefined, runtime);
  });
  afterEach(async () => {
    await Promise.all(runners.splice(0).map((runner) => runner.close()));
    const left = await listed();
    await fixture.close();
    if (left.length > 0) throw new Error(`containers were left: ${JSON.stringify(left)}`);
  });

  const listed = async (): Promise<readonly OwnedContainer[]> => unwrap(await fixture.engine.list(fixture.instance));

  /** The id of the one container that waits, once there is one that runs. */
  const waiting = (): Promise<string> =>
    vi.waitFor(async () => {
      const [found, ...others] = (await listed()).filter(({ labels }) => labels[labelNames.purpose] === 'warm');
      expect([found?.running, others]).toEqual([true, []]);
      return found?.id ?? '';
    }, waitMs);

  function open(options: Partial<WorkerRunnerOptions> = {}): WorkerRunner {
    const runner = fixture.runner({ warm: { workers: 1, maximum: 3 }, ...options });
    runners.push(runner);
    return runner;
  }

  async function carryOut(runner: WorkerRunner, command = 'hostname', changes: Partial<WorkerJob> = {}) {
    const created: string[] = [];
    const onCreated = async (id: string): Promise<Result<undefined>> => {
      created.push(id);
      return { ok: true, value: undefined };
    };
    const order = fixture.order({ run: { command }, allow_empty: true });
    const { report } = unwrap(await runner.run(fixture.job(order, { onCreated, ...changes })));
    expect(report.error).toBe(null);
    return { created, output: report.agent?.output ?? '' };
  }

  /** A job as text carries it. */
  function plainJob(command: string) {
    const order = fixture.order({ run: { command }, allow_empty: true });
    const { signal: _signal, onCreated: _created, onProgress: _progress, ...job } = fixture.job(order);
    return job;
  }

  /** A host of its own, with one worker at a time, that does one job and then perhaps another in the worker that waits. */
  function startHost(job: ReturnType<typeof plainJob>, next?: ReturnType<typeof plainJob>) {
    const { acceptNoLimits, image: defaultImage, instance, runtime: runtimeFolder } = fixture;
    const warm = { workers: 1, maximum: 1 };
    const runner = { acceptNoLimits, defaultImage, instance, runtimeFolder, warm };
    return spawn(process.execPath, ['--conditions=development', host, JSON.stringify({ job, next, runner })], {
      env: { ...process.env, DOCKER_HOST: `unix://${runtime.socket}` },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  it('get one task each, recorded before its order, and are confined, named and destroyed like any other', async () => {
    const runner = open();
    await carryOut(runner);
    const first = await waiting();
    const labels = (await listed()).find(({ id }) => id === first)?.labels ?? {};
    const { attempt, run, task, instance } = labelNames;
    expect([attempt, run, task, instance].map((name) => labels[name])).toEqual([
      undefined,
      undefined,
      undefined,
      fixture.instance,
    ]);
    let seen = '';
    const { created, output } = await carryOut(runner, 'hostname; ls -A; grep -c . /proc/net/dev', {
      onProgress: (message) => (seen += `${message};`),
    });
    expect(created).toEqual([first]);
    expect(output).toBe(`${first.slice(0, 12)}\n.git\nreadme.txt\n3\n`);
    expect(seen).toContain('checking out');
    expect((await listed()).some(({ id }) => id === first)).toBe(false);
    expect(await waiting()).not.toBe(first);
  });

  it('are not given to a job that needs another container: that one is made for it, and the other makes room', async () => {
    const runner = open({ warm: { workers: 1, maximum: 1 } });
    await carryOut(runner);
    const first = await waiting();
    const job = fixture.job(fixture.order());
    const limits = { ...job.limits, pids: job.limits.pids - 1 };
    let alone: readonly OwnedContainer[] = [];
    const onCreated = async (): Promise<Result<undefined>> => {
      alone = await listed();
      return { ok: true, value: undefined };
    };
    await carryOut(runner, 'true', { limits, onCreated });
    expect(alone.map(({ labels }) => labels[labelNames.purpose])).toEqual([undefined]);
    expect(alone.map(({ id }) => id)).not.toContain(first);
  });

  it('C14 count: with four tasks and three workers there are never more than three containers', async () => {
    const runner = open({ warm: { workers: 3, maximum: 3 } });
    let most = 0;
    const counting = setInterval(() => {
      void listed().then((found) => (most = Math.max(most, found.length)));
    }, 20);
    onTestFinished(() => clearInterval(counting));
    let slots = 3;
    const queue = Array.from({ length: 8 }, (_, index) => `sleep ${0.1 * (index % 3)}`);
    const slot = async (): Promise<void> => {
      for (let command = queue.shift(); command !== undefined; command = queue.shift()) await carryOut(runner, command);
      slots -= 1;
    };
    await Promise.all([slot(), slot(), slot()]);
    expect(slots).toBe(0);
    await vi.waitFor(async () => expect((await listed()).length).toBe(3), waitMs);
    await carryOut(runner);
    clearInterval(counting);
    expect(most).toBe(3);
  });

  it('are replaced when they die while they wait, and no task fails for it', async () => {
    const runner = open();
    await carryOut(runner);
    const first = await waiting();
    unwrap(await fixture.engine.kill(first));
    const { created } = await carryOut(runner);
    expect(created).toHaveLength(1);
    expect(created).not.toContain(first);
    expect(await waiting()).not.toBe(first);
  });

  it('S79 end by themselves when their host is killed, and only those of a host that is gone are swept', async () => {
    const child = startHost(plainJob('true'));
    const orphan = await waiting();
    child.kill('SIGKILL');
    expect(unwrap(await fixture.engine.wait(orphan, AbortSignal.timeout(waitMs)))).toEqual({ exitCode: 7 });
    const runner = open();
    await carryOut(runner);
    const ours = await vi.waitFor(async () => {
      const found = (await listed()).find(({ id, running }) => running && id !== orphan);
      expect(found).toBeDefined();
      return found?.id ?? randomUUID();
    }, waitMs);
    expect(unwrap(await runner.sweep(() => false))).toBe(1);
    expect((await listed()).map(({ id }) => id)).toEqual([ours]);
    expect(unwrap(await fixture.runner().sweep(() => true))).toBe(1);
  });

  it('S17 S79 belong to the process that started them when they work, too: killed between assignment and result, nothing of it is left without an owner', async () => {
    const child = startHost(plainJob('true'), plainJob('sleep 600'));
    let said = '';
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      said += chunk;
      if (/next\n[^]*working\n/.test(said)) break;
    }
    child.kill('SIGKILL');
    const [worker, ...others] = await listed();
    expect([worker?.labels[labelNames.purpose], worker?.labels[labelNames.attempt], others]).toEqual([
      'warm',
      undefined,
      [],
    ]);
    // Its attempt is live on the ledger until the next engine has put its loss on record: that must not keep it.
    expect(unwrap(await open().sweep(() => true))).toBe(1);
    expect(await listed()).toEqual([]);
  });
});
