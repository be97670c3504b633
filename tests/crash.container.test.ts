import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBus, type BusAdapter } from '@agentcompany/agent-bus';
import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { openDockerEngine } from '../orchestrator/src/containers/dod/open-engine.ts';
import { instanceId } from '../orchestrator/src/company-home.ts';
import { loadConfig } from '../orchestrator/src/config.ts';
import { busOptions } from '../orchestrator/src/home-bus.ts';
import {
  environmentOfEngine,
  git,
  installation,
  openTestCompany,
  type TestCompany,
} from './support/open-test-company.ts';

const child = join(import.meta.dirname, 'support', 'crash-child.ts');
const commandLine = join(installation, 'tools', 'cli', 'src', 'main.ts');

interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  readonly output: string;
}

/** Submits and drives until the n-th durable step, where the process dies. */
function crashAt(home: string, n: number): Promise<Ended> {
  return ended(['--conditions=development', child, home], { CRASH_AT: String(n) });
}

/** What a person does after a crash: `agentcompany resume`. */
function resume(home: string): Promise<Ended> {
  return ended(['--conditions=development', commandLine, '--home', home, 'resume'], {});
}

function ended(args: readonly string[], more: Readonly<Record<string, string>>): Promise<Ended> {
  const { CRASH_AT: _unset, ...environment } = process.env;
  const started = spawn(process.execPath, args, { env: { ...environment, ...more } });
  let output = '';
  started.stdout.on('data', (chunk) => (output += chunk));
  started.stderr.on('data', (chunk) => (output += chunk));
  return new Promise((resolve) => started.once('close', (code, signal) => resolve({ code, signal, output })));
}

/** The invariant of S65, read from the ledger, the engine, git and the forge. */
async function expectWhole(test: TestCompany, output: string): Promise<void> {
  const [run] = unwrap(await test.company.listRuns());
  expect(run?.state, output).toBe('published');
  const view = unwrap(await test.company.showRun(run?.run_id ?? ''));
  expect(view.task_list.map((task) => task.state)).toEqual(['merged', 'merged']);
  const open = view.task_list.flatMap((task) => task.attempts).filter((attempt) => attempt.ended_at === null);
  expect(open).toEqual([]);

  const requests = unwrap(await test.company.listPullRequests());
  expect(requests.map(({ number, state }) => ({ number, state }))).toEqual([{ number: 1, state: 'open' }]);
  const branches = git(test.repository, 'for-each-ref', '--format=%(refname)', 'refs/heads').split('\n');
  expect(branches).toEqual([`refs/heads/${requests[0]?.branch}`, 'refs/heads/main']);
  const tip = git(test.repository, 'rev-parse', requests[0]?.branch ?? '');
  expect(tip).toBe(view.tip_oid);
  expect(git(test.repository, 'ls-tree', '--name-only', tip).split('\n')).toEqual(['README.md', 'one.txt', 'two.txt']);
  const merges = git(test.repository, 'log', '--merges', '--format=%s', tip).split('\n').toSorted();
  expect(merges).toEqual(['Merge: Task one', 'Merge: Task two']);

  for (const folder of [join(test.home.mirrorsFolder, 'app.git'), join(test.home.vaultsFolder, 'app.git')]) {
    git(folder, 'fsck', '--strict', '--no-dangling');
    expect(filesUnder(folder).filter((name) => /\.lock$|tmp_/.test(name))).toEqual([]);
  }
  expect(readdirSync(test.home.bundlesFolder)).toEqual([]);
  expect(filesUnder(test.home.quarantineFolder)).toEqual([]);
  expect(filesUnder(join(test.home.root, 'runtime')).filter((name) => name.endsWith('.part'))).toEqual([]);
  const engine = unwrap(openDockerEngine({ dockerHost: environmentOfEngine()['DOCKER_HOST'] ?? null }));
  expect(unwrap(await engine.list(unwrap(instanceId(test.home))))).toEqual([]);
  expect(await test.company.enginePid()).toBeNull();
  const { config } = unwrap(loadConfig({ home: test.home, environment: {} }));
  const bus = unwrap(await openBus(unwrap(busOptions(test.home, config))));
  const left = unwrap(await bus.queues()).filter(({ waiting, leased }) => waiting + leased > 0);
  await bus.close();
  expect(left).toEqual([]);
  const report: unknown = JSON.parse(
    readFileSync(join(test.home.runsFolder, view.run_id, 'execution_result.json'), 'utf8'),
  );
  expect(report).toMatchObject({ run_id: view.run_id, status: 'published' });
}

function filesUnder(folder: string): string[] {
  return existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => entry.name)
    : [];
}

/** Kills at step n, starts again, checks. Returns whether step n was reached at all. */
async function crashOnceAt(adapter: BusAdapter, n: number): Promise<boolean> {
  const test = await openTestCompany({ adapter });
  try {
    const crashed = await crashAt(test.home.root, n);
    if (crashed.signal === null) {
      expect(crashed.code, crashed.output).toBe(0);
    } else {
      const recovered = await resume(test.home.root);
      expect(recovered.code, `after ${crashed.output}${recovered.output}`).toBe(0);
    }
    await expectWhole(test, `step ${n} on ${adapter}: ${crashed.output}`);
    return crashed.signal !== null;
  } finally {
    await test.dispose();
  }
}

/** Two at a time; `stepsOf` names the steps from 1 on, until one lies beyond the last. Returns how many were reached. */
async function sweep(adapter: BusAdapter, stepsOf: (n: number) => boolean): Promise<number> {
  let reached = 0;
  for (let n = 1; ; n += 2) {
    const steps = [n, n + 1].filter(stepsOf);
    const crashed = await Promise.all(steps.map((step) => crashOnceAt(adapter, step)));
    reached += crashed.filter(Boolean).length;
    if (crashed.includes(false)) return reached;
  }
}

describe('a company killed at any durable step', () => {
  it(
    'S65 reaches one end with nothing lost, doubled or left behind, for every step on SQLite',
    { timeout: 1_500_000 },
    async () => {
      // Submission, planning, two attempts, two ingests, two merges, verification, push and pull request are steps each.
      expect(await sweep('sqlite', () => true)).toBeGreaterThan(30);
    },
  );

  it.each(['file', 'redis'] as const)(
    'S65 reaches one end with nothing lost, doubled or left behind, for a third of the steps on %s',
    { timeout: 1_500_000 },
    async (adapter) => {
      const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 3);
      expect(await sweep(adapter, (n) => n % 3 === seed % 3), `CRASH_SEED=${seed}`).toBeGreaterThan(10);
    },
  );
});
