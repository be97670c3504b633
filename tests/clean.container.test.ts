import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { instanceId } from '../orchestrator/src/company-home.ts';
import type { ContainerEngine } from '../orchestrator/src/containers/container-engine.ts';
import { openDockerEngine } from '../orchestrator/src/containers/dod/open-engine.ts';
import { testLimits, workerImage } from '../orchestrator/src/containers/testing/worker-fixture.ts';
import { takeEngineLock } from '../orchestrator/src/engine/engine-lock.ts';
import { git, openTestCompany, planOf, type TestCompany } from './support/open-test-company.ts';

let test: TestCompany;
let engine: ContainerEngine;
let temporary: string;
const made: string[] = [];

beforeEach(async () => {
  test = await openTestCompany();
  // Among the machine's own temporary files lie those of other tests.
  temporary = mkdtempSync(join(tmpdir(), 'clean-'));
  vi.stubEnv('TMPDIR', temporary);
  engine = unwrap(openDockerEngine({ dockerHost: process.env['DOCKER_HOST'] ?? null }));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const id of made.splice(0)) await engine.remove(id);
  await test.dispose();
  rmSync(temporary, { recursive: true });
});

async function container(instance: string, attempt: string): Promise<string> {
  const owner = { instance, run: randomUUID(), task: 't', attempt, epoch: 1 };
  const imageId = unwrap(await engine.imageInspect(await workerImage(engine))).id;
  const { id } = unwrap(
    await engine.create({
      owner,
      imageId,
      mirrorFolder: test.folder,
      runtimeFolder: null,
      caches: [],
      workspaceVolume: null,
      limits: testLimits,
    }),
  );
  made.push(id);
  return id;
}

const isThere = async (id: string): Promise<boolean> => (await engine.inspect(id)).ok;

async function runOf(id: string): Promise<{ readonly runId: string; readonly attempts: readonly string[] }> {
  const plan = planOf([{ id, run: { command: `head -c 100000 /dev/urandom > ${id}` } }]);
  const { runId } = unwrap(await test.company.submit({ projectId: 'app', instruction: 'Write a file', plan }));
  unwrap(await test.company.drive({ runs: [runId], signal: AbortSignal.timeout(60_000) }));
  const run = unwrap(await test.company.showRun(runId));
  expect(run.state).toBe('published');
  return {
    runId,
    attempts: run.task_list.flatMap(({ attempts }) => attempts.map(({ attempt_id: attempt }) => attempt)),
  };
}

const vault = (): string => join(test.home.vaultsFolder, 'app.git');
const kept = (): string[] => git(vault(), 'for-each-ref', '--format=%(refname)').split('\n').filter(Boolean);

describe('cleaning', () => {
  it('S16 removes what ended runs left, says how many bytes that freed, and leaves what is open, unknown or of others', async () => {
    const merged = await runOf('merged');
    const open = await runOf('open');
    unwrap(await test.company.mergePullRequest('app', 1));
    const [ended = ''] = merged.attempts;
    const unknown = randomUUID();
    for (const id of [ended, unknown]) writeFileSync(join(test.home.bundlesFolder, `${id}.bundle`), 'x'.repeat(5000));
    const quarantine = join(test.home.quarantineFolder, 'app', `${ended}.git`);
    mkdirSync(quarantine, { recursive: true });
    const checkpoint = join(test.home.runsFolder, merged.runId, 'checkpoints', 'merged');
    mkdirSync(checkpoint, { recursive: true });
    const instance = unwrap(instanceId(test.home));
    const ours = await container(instance, ended);
    const longer = await container(`${instance}B`, ended);
    const other = await container(randomUUID(), ended);

    const would = unwrap(await test.company.clean({ dryRun: true }));
    expect(would.items.map(({ kind }) => kind).toSorted()).toEqual([
      'bundle',
      'checkpoints',
      'container',
      'quarantine',
      'result',
    ]);
    expect(would.items.every(({ owner }) => owner.startsWith(`run ${merged.runId.slice(0, 18)}`))).toBe(true);
    expect(would.bytes_freed).toBeGreaterThan(100_000);
    expect([await isThere(ours), existsSync(quarantine), kept().length]).toEqual([true, true, 2]);

    const done = unwrap(await test.company.clean({ dryRun: false }));
    expect(done.items.map(({ name, error }) => [name, error])).toEqual(would.items.map(({ name }) => [name, null]));
    expect(done.bytes_freed).toBeGreaterThan(100_000);
    expect(await Promise.all([ours, longer, other].map(isThere))).toEqual([false, true, true]);
    expect(readdirSync(test.home.bundlesFolder)).toEqual([`${unknown}.bundle`]);
    expect([existsSync(quarantine), existsSync(checkpoint)]).toEqual([false, false]);
    expect(kept()).toEqual([expect.stringContaining(open.attempts[0] ?? '')]);
    git(vault(), 'fsck', '--strict');
    expect(unwrap(await test.company.clean({ dryRun: false })).items).toEqual([]);

    unwrap(await test.company.cancelRun(open.runId, 'given up'));
    unwrap(await test.company.drive({ runs: [open.runId], signal: AbortSignal.timeout(60_000) }));
    const last = unwrap(await test.company.clean({ dryRun: false }));
    expect([last.items.map(({ kind }) => kind), kept()]).toEqual([['result'], []]);
  });

  it('S17 an orphan between create and record goes where no engine is at work, and not beside one', async () => {
    const orphan = await container(unwrap(instanceId(test.home)), randomUUID());
    const lock = unwrap(takeEngineLock(test.home.lockFile));
    const beside = unwrap(await test.company.clean({ dryRun: false }));
    expect([beside.engine_running, beside.items, await isThere(orphan)]).toEqual([true, [], true]);
    lock.release();
    const alone = unwrap(await test.company.clean({ dryRun: false }));
    expect([alone.engine_running, alone.items.map(({ name }) => name)]).toEqual([false, [orphan]]);
    expect(await isThere(orphan)).toBe(false);
  });

  it('S17 a replay that was killed is cleaned with its containers, by the instance that its own home names', async () => {
    const folder = join(temporary, 'agentcompany-replay-x');
    const instance = randomUUID();
    mkdirSync(join(folder, 'home', 'runtime', 'state'), { recursive: true });
    writeFileSync(join(folder, 'home', 'runtime', 'state', 'instance.json'), JSON.stringify({ instance_id: instance }));
    writeFileSync(join(folder, '.agentcompany-owner.json'), JSON.stringify({ pid: 1, started: '0', boot: 'earlier' }));
    const [left, other] = [await container(instance, 'a'), await container(randomUUID(), 'a')];
    const cleaned = unwrap(await test.company.clean({ dryRun: false }));
    expect(cleaned.items.map(({ kind, name }) => [kind, name])).toEqual([['temporary folder', folder]]);
    expect([existsSync(folder), await isThere(left), await isThere(other)]).toEqual([false, false, true]);
  });
});
