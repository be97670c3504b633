import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { instanceId } from '../orchestrator/src/company-home.ts';
import type { ContainerEngine } from '../orchestrator/src/containers/container-engine.ts';
import { outerName } from '../orchestrator/src/containers/dind/outer-body.ts';
import { openDockerEngine } from '../orchestrator/src/containers/dod/open-engine.ts';
import { engineImage } from '../orchestrator/src/containers/testing/own-dind.ts';
import { loadConfig } from '../orchestrator/src/config.ts';
import { runChecks } from '../orchestrator/src/doctor.ts';
import { chainChecks } from '../orchestrator/src/open-checks.ts';
import { recordEngineImage } from '../orchestrator/src/open-dind.ts';
import {
  environmentOfEngine,
  git,
  installation as checkout,
  openTestCompany,
  planOf,
} from './support/open-test-company.ts';

const buildMs = 600_000;
const flags = { container_runtime: 'dind', allow_dind: true, max_workers: 2 };

let machine: ContainerEngine;
let installation: string;
const undo: (() => Promise<unknown> | void)[] = [];

beforeEach(async () => {
  machine = unwrap(openDockerEngine({ dockerHost: environmentOfEngine()['DOCKER_HOST'] ?? null }));
  // An installation of its own, so that the image of its engine is recorded in no developer's checkout.
  installation = mkdtempSync(join(tmpdir(), 'agentcompany-installation-'));
  undo.push(() => rmSync(installation, { recursive: true }));
  mkdirSync(join(installation, '.cache'));
  cpSync(join(checkout, '.cache', 'worker-image.json'), join(installation, '.cache', 'worker-image.json'));
  for (const part of ['worker-image', 'agents']) symlinkSync(join(checkout, part), join(installation, part));
}, buildMs);
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

it('C23 C30 a whole run in docker-in-docker, from one instruction to one pull request', async () => {
  recordEngineImage(installation, { reference: 'of a test', id: await engineImage(machine) });
  const test = await openTestCompany({ flags, installation });
  undo.push(test.dispose);
  const name = outerName(unwrap(instanceId(test.home)));
  undo.push(() => machine.remove(name));
  const tasks = planOf([
    { id: 'one', run: { command: 'echo one > one.txt' }, verify: ['test -f one.txt'] },
    { id: 'two', run: { command: 'echo two > two.txt' }, depends_on: ['one'], verify: ['test -f one.txt'] },
  ]);
  const request = { projectId: 'app', instruction: 'Do what the plan says', plan: tasks };
  const { runId } = unwrap(await test.company.submit(request));
  unwrap(await test.company.drive({ runs: [runId], signal: AbortSignal.timeout(100_000) }));
  const run = unwrap(await test.company.showRun(runId));
  expect(run.state).toBe('published');
  const branch = git(test.repository, 'for-each-ref', '--format=%(refname)', 'refs/heads/agent/');
  expect(git(test.repository, 'ls-tree', '--name-only', branch).split('\n')).toEqual([
    'README.md',
    'one.txt',
    'two.txt',
  ]);
  const { labels, state } = unwrap(await machine.inspect(name));
  expect([labels['agentcompany.instance'], state.status]).toEqual([unwrap(instanceId(test.home)), 'running']);
  // None of its workers was a container of the machine's engine.
  expect(unwrap(await machine.list(unwrap(instanceId(test.home)))).map(({ id }) => id)).toEqual([
    unwrap(await machine.inspect(name)).id,
  ]);
}, 240_000);

it('C2 without the image of its engine docker-in-docker says how to make it', async () => {
  const test = await openTestCompany({ flags, installation });
  undo.push(test.dispose);
  const environment = environmentOfEngine();
  const { config } = unwrap(loadConfig({ home: test.home, environment, flags }));
  const reports = await runChecks(chainChecks({ home: test.home, config, environment, installation }), () => undefined);
  expect(reports.find(({ id }) => id === 'engine')?.error).toMatchObject({
    code: 'AC_DIND_IMAGE',
    remedy: expect.stringContaining('agentcompany image build --dind'),
  });
  expect(
    execFileSync('docker', ['ps', '-aq', '--filter', `name=${outerName(unwrap(instanceId(test.home)))}`]).length,
  ).toBe(0);
});
