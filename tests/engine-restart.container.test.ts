import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { instanceId } from '../orchestrator/src/company-home.ts';
import { OwnDocker } from '../orchestrator/src/containers/testing/own-docker.ts';
import { installation, openTestCompany, planOf, type TestCompany } from './support/open-test-company.ts';
import { until } from './support/until.ts';

async function shippedImage(): Promise<string> {
  const record: unknown = JSON.parse(await readFile(join(installation, '.cache', 'worker-image.json'), 'utf8'));
  return String(Reflect.get(record as object, 'id'));
}

describe.each([
  ['ends its containers with itself', false],
  ['keeps its containers over a restart', true],
])('a container engine that %s', (_name, liveRestore) => {
  let docker: OwnDocker;
  let test: TestCompany | null = null;
  beforeAll(async () => {
    docker = await OwnDocker.open({ liveRestore });
    await docker.loadImage(await shippedImage());
  });
  afterEach(async () => {
    await test?.dispose();
    test = null;
  });
  afterAll(() => docker.close());

  /**
   * A company on that engine whose run of one task is at work in a container, and is driven on. An attempt may fail but once. No worker
   * waits for work, so that every container has the label of its attempt.
   */
  async function atWork(seconds: number) {
    const environment = { DOCKER_HOST: docker.dockerHost };
    const company = await openTestCompany({ environment, flags: { max_workers: 2, max_attempts: 1, warm_workers: 0 } });
    test = company;
    const submit = async (name: string, command: string): Promise<string> => {
      const plan = planOf([{ id: name, run: { command } }]);
      return unwrap(await company.company.submit({ projectId: 'app', instruction: `Write ${name}`, plan })).runId;
    };
    const runId = await submit('one', `sleep ${seconds}; echo one > one.txt`);
    const driving = company.company.drive({ runs: [runId], signal: AbortSignal.timeout(110_000) });
    await until(company.company, runId, (type, { message }) => type === 'task_progress' && message === 'working');
    const attempts = async (id = runId) =>
      unwrap(await company.company.showRun(id)).task_list.flatMap((task) =>
        task.attempts.map(({ state, error }) => [state, error?.code ?? null]),
      );
    const instance = unwrap(instanceId(company.home));
    const containers = async () => unwrap(await docker.engine.list(instance));
    return { ...company, runId, submit, driving, attempts, containers };
  }

  it('S77 is restarted: the worker is interrupted, and its task given out again without a mark', async () => {
    const { company, runId, driving, attempts, containers } = await atWork(6);
    await docker.restart();
    unwrap(await driving);
    expect(unwrap(await company.showRun(runId)).state).toBe('published');
    const [first, ...more] = await attempts();
    expect(first?.[0]).toBe('lost');
    expect(['AC_WORKER_INTERRUPTED', 'AC_WORKER_LOST']).toContain(first?.[1]);
    expect(more).toEqual([['ingested', null]]);
    expect(await containers()).toEqual([]);
  });

  it('S78 is killed: work goes on where it returns, never two workers of one task at once, and what comes meanwhile is taken in', async () => {
    const { company, runId, submit, driving, attempts, containers } = await atWork(10);
    const [before] = await containers();
    await docker.kill();
    await until(company, runId, (type) => type === 'attempt_lost');
    const second = await submit('two', 'echo two > two.txt');
    const waiting = until(
      company,
      second,
      (type, { message }) => type === 'task_progress' && /^waits: .*not running/.test(String(message)),
    );
    await waiting;
    await docker.start();
    const left = (await containers()).filter(({ running }) => running).map(({ id }) => id);
    expect(left).toEqual(liveRestore ? [before?.id] : []);
    let most = 0;
    await vi.waitFor(
      async () => {
        const now = (await containers()).filter(({ labels }) => labels['agentcompany.run'] === runId);
        most = Math.max(most, now.filter(({ running }) => running).length);
        expect(now.some(({ id, running }) => running && id !== before?.id)).toBe(true);
      },
      { timeout: 60_000, interval: 50 },
    );
    expect(most).toBe(1);
    expect((await containers()).map(({ id }) => id)).not.toContain(before?.id);
    unwrap(await driving);
    unwrap(await company.drive({ runs: [second], signal: AbortSignal.timeout(60_000) }));
    expect(await attempts()).toEqual([
      ['lost', 'AC_WORKER_LOST'],
      ['ingested', null],
    ]);
    for (const id of [runId, second]) expect(unwrap(await company.showRun(id)).state).toBe('published');
    expect(await containers()).toEqual([]);
  });
});
