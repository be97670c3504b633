import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { instanceId } from '../orchestrator/src/company-home.ts';
import type { ContainerEngine } from '../orchestrator/src/containers/container-engine.ts';
import { openDockerEngine } from '../orchestrator/src/containers/dod/open-engine.ts';
import {
  environmentOfEngine,
  installation,
  openTestCompany,
  planOf,
  type TestCompany,
} from './support/open-test-company.ts';

const commandLine = join(installation, 'tools', 'cli', 'src', 'main.ts');
const workers = 10;

interface EngineProcess {
  readonly child: ChildProcess;
  /** Exit code, the signal that ended it, and all it printed. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null; readonly output: string }>;
}

describe('the process of the engine with ten workers at work', () => {
  let test: TestCompany;
  let engine: ContainerEngine;
  let runId = '';
  const started: ChildProcess[] = [];

  beforeAll(async () => {
    test = await openTestCompany();
    engine = unwrap(openDockerEngine({ dockerHost: environmentOfEngine()['DOCKER_HOST'] ?? null }));
    const tasks = Array.from({ length: workers }, (_, index) => ({ id: `t${index}`, run: { command: 'sleep 600' } }));
    const plan = planOf(tasks.map((task) => ({ ...task, timeout: 900 })));
    runId = unwrap(await test.company.submit({ projectId: 'app', instruction: 'Sleep', plan })).runId;
  });
  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
  });
  afterAll(async () => {
    const left = unwrap(await engine.list(unwrap(instanceId(test.home))));
    for (const { id } of left) unwrap(await engine.remove(id));
    await test.dispose();
  });

  /** What a person does to start the engine. Its leases lapse soon after it is killed. */
  function startEngine(): EngineProcess {
    const words = ['--conditions=development', commandLine, '--home', test.home.root, 'engine'];
    const env = { ...process.env, AGENTCOMPANY_MAX_WORKERS: String(workers), AGENTCOMPANY_LEASE_MS: '5000' };
    const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    started.push(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, output }));
    return { child, ended };
  }

  const containers = async () => unwrap(await engine.list(unwrap(instanceId(test.home))));

  /** Follows the ledger from `after` until `count` entries satisfy `isIt`; resolves to the place of the last. What is told of progress is not kept: only what comes. */
  async function follow(
    after: number,
    count: number,
    isIt: (type: string, payload: Record<string, unknown>) => boolean,
  ): Promise<number> {
    let seen = 0;
    const signal = AbortSignal.timeout(100_000);
    for await (const { envelope, seq } of test.company.timeline(runId, { after, follow: true, signal })) {
      if (isIt(envelope.envelope_type, envelope.payload) && (seen += 1) === count) return seq;
    }
    throw new Error(`only ${seen} of ${count} came`);
  }

  const isAtWork = (type: string, { message }: Record<string, unknown>): boolean =>
    type === 'task_progress' && message === 'working';

  it('S79 S81 killed, leaves workers that all end by themselves; the lock is free, and none is left when the next attempt begins', async () => {
    const first = startEngine();
    await follow(0, workers, isAtWork);
    const old = (await containers()).map(({ id }) => id);
    expect(old).toHaveLength(workers);

    const second = await startEngine().ended;
    expect(second.code).toBeGreaterThan(0);
    expect(second.output).toContain('AC_ENGINE_RUNNING');
    expect(second.output).toContain(String(first.child.pid));

    const killedAt = performance.now();
    first.child.kill('SIGKILL');
    await first.ended;
    const ends = await Promise.all(old.map((id) => engine.wait(id, AbortSignal.timeout(60_000))));
    expect(ends.map((end) => unwrap(end).exitCode)).toEqual(old.map(() => 7));
    expect(performance.now() - killedAt).toBeLessThan(50_000);

    const next = startEngine();
    await follow(0, workers + 1, (type) => type === 'attempt_started');
    const now = (await containers()).map(({ id }) => id);
    expect(now.filter((id) => old.includes(id))).toEqual([]);
    next.child.kill('SIGTERM');
    await next.ended;
  });

  it('S80 told to stop, gives its work back and is gone within seconds with every container', async () => {
    const engineProcess = startEngine();
    await follow(0, workers, isAtWork);
    const toldAt = performance.now();
    engineProcess.child.kill('SIGTERM');
    const { code, signal } = await engineProcess.ended;
    expect([code, signal]).toEqual([0, null]);
    expect(performance.now() - toldAt).toBeLessThan(30_000);
    expect(await containers()).toEqual([]);
    const view = unwrap(await test.company.showRun(runId));
    expect(view.state).toBe('running');
    const open = view.task_list.flatMap(({ attempts }) => attempts).filter(({ ended_at }) => ended_at === null);
    expect(open).toEqual([]);
  });
});
