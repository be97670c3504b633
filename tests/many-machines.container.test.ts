import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunView } from '@agentcompany/orchestrator';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  companyWithMachines,
  containersOf,
  instanceOf,
  isThere,
  release,
  type HostMachine,
  type LedgerEntry,
  type Machines,
} from './support/machines.ts';
import { git, type TestCompany } from './support/open-test-company.ts';

let company: TestCompany;
let machines: Machines;
beforeEach(async () => {
  const opened = await companyWithMachines();
  ({ company, machines } = opened);
  return opened.dispose;
});

/** Long enough that a busy machine keeps it, short enough to wait for. */
const leaseMs = 6000;

/** A task that goes on once the test lets it. */
const gated = (id: string, dependsOn: readonly string[] = []) => ({
  id,
  title: `Task ${id}`,
  run: {
    command: `while [ ! -e /tmp/go ]; do sleep 0.1; done; echo on a machine elsewhere: ${id} >&2; echo ${id} > ${id}.txt`,
  },
  depends_on: dependsOn,
});
const quick = (id: string, dependsOn: readonly string[] = []) => ({
  ...gated(id, dependsOn),
  run: { command: `echo ${id} > ${id}.txt` },
});

async function submit(tasks: readonly object[]): Promise<string> {
  const plan = join(company.folder, 'plan.json');
  writeFileSync(plan, JSON.stringify({ title: 'Many machines', tasks, verify: ['ls *.txt'] }));
  const call = ['run', 'Write files', '--project', 'app', '--plan', plan, '--detach', '--json'];
  const answer = JSON.parse((await machines.call(...call)).split('\n')[0] ?? '') as { readonly run_id: string };
  return answer.run_id;
}

interface Begun {
  readonly task: string;
  readonly attempt: string;
  readonly host: HostMachine;
  readonly epoch: number;
  readonly container: string;
}

/** The attempts whose containers exist, as far as the ledger tells. */
function begun(seen: readonly LedgerEntry[]): readonly Begun[] {
  const containers = new Map<string, string>();
  for (const { envelope } of seen) {
    const { kind, outcome } = envelope.payload as { kind?: string; outcome?: { container_id?: string } };
    if (envelope.envelope_type === 'effect_result' && kind === 'container')
      containers.set(envelope.context.attempt_id ?? '', outcome?.container_id ?? '');
  }
  return seen.flatMap(({ envelope }) => {
    if (envelope.envelope_type !== 'attempt_started') return [];
    const { attempt_id: attempt, host_id: hostId, epoch } = envelope.payload as Record<string, string & number>;
    const container = containers.get(attempt ?? '');
    const host = machines.hosts.find(({ folder }) => `host-${instanceOf(folder)}` === hostId);
    if (container === undefined || host === undefined) return [];
    return [{ task: envelope.context.task_id ?? '', attempt: attempt ?? '', host, epoch: epoch ?? 0, container }];
  });
}

/** Two tasks at work, one on each host. */
async function bothAtWork(
  { until, seen }: ReturnType<Machines['watch']>,
  tasks: readonly [string, string],
): Promise<readonly [Begun, Begun]> {
  const ofBoth = (): readonly Begun[] => begun(seen).filter(({ task }) => tasks.includes(task));
  await until(() => ofBoth().length === 2);
  const [first, second] = ofBoth();
  if (first === undefined || second === undefined) throw new Error('not both began');
  expect(first.host).not.toBe(second.host);
  return [first, second];
}

/** Nothing lost or doubled: every task merged once, every file there, one pull request, nothing left behind. */
async function expectWhole(runId: string, tasks: readonly string[]): Promise<RunView> {
  const view = JSON.parse(await machines.call('runs', 'show', runId, '--json')) as { readonly run: RunView };
  const { run } = view;
  expect(run.state).toBe('published');
  expect(run.task_list.map(({ task_id: id, state }) => [id, state])).toStrictEqual(tasks.map((id) => [id, 'merged']));
  const branch = run.pull_request?.branch ?? '';
  const merges = git(company.repository, 'log', '--merges', '--format=%s', branch).split('\n').toSorted();
  expect(merges).toStrictEqual(tasks.map((id) => `Merge: Task ${id}`).toSorted());
  const files = git(company.repository, 'ls-tree', '--name-only', branch).split('\n');
  expect(files).toStrictEqual(['README.md', ...tasks.map((id) => `${id}.txt`).toSorted()]);
  expect(git(company.repository, 'for-each-ref', '--format=%(refname)', 'refs/heads').split('\n').length).toBe(2);
  expect(readdirSync(company.home.bundlesFolder)).toStrictEqual([]);
  await expect.poll(() => Promise.all(machines.hosts.map(({ folder }) => containersOf(folder)))).toStrictEqual([0, 0]);
  for (const { folder } of machines.hosts) expect(readdirSync(join(folder, 'bundles'))).toStrictEqual([]);
  // What the containers said is read on the engine home, where it comes a little after the result.
  const said = (): Promise<string> => machines.call('logs', runId, '--task', tasks[0] ?? '').catch(String);
  await expect.poll(said, { timeout: 30_000 }).toContain(`on a machine elsewhere: ${tasks[0]}`);
  return run;
}

const endings = (run: RunView, task: string): readonly string[] =>
  run.task_list.find(({ task_id: id }) => id === task)?.attempts.map(({ state, error }) => error?.code ?? state) ?? [];

const of = (types: readonly string[], seen: readonly LedgerEntry[], task: string): readonly LedgerEntry[] =>
  seen.filter(({ envelope }) => types.includes(envelope.envelope_type) && envelope.context.task_id === task);

describe('a company on many machines', () => {
  it(
    'loses and doubles nothing when the link of a host is cut in the middle of a task, and healed',
    { timeout: 180_000 },
    async () => {
      await machines.open(['left', 'right'], leaseMs);
      await machines.startEngine();
      await Promise.all(machines.hosts.map((host) => machines.startHost(host)));
      const tasks = ['one', 'two', 'three', 'four', 'five'];
      const runId = await submit([
        gated('one'),
        gated('two'),
        quick('three', ['one', 'two']),
        gated('four', ['three']),
        gated('five', ['three']),
      ]);
      const watching = machines.watch(runId);
      const [cutOff, other] = await bothAtWork(watching, ['one', 'two']);

      machines.cut(cutOff.host);
      // By its own clock: nothing reaches it that could tell it to.
      await expect.poll(() => isThere(cutOff.container), { timeout: 30_000 }).toBe(false);
      await release(other.container);
      const again = (): Begun | undefined =>
        begun(watching.seen).find(({ task, epoch }) => task === cutOff.task && epoch > cutOff.epoch);
      await watching.until(() => again() !== undefined);
      expect(again()?.host).toBe(other.host);
      machines.heal(cutOff.host);
      await release(again()?.container ?? '');

      // Both are at work again: the one that was cut off has gone on by itself.
      const [four, five] = await bothAtWork(watching, ['four', 'five']);
      await Promise.all([release(four.container), release(five.container)]);
      await watching.until((seen) => seen.some(({ envelope }) => envelope.payload['to'] === 'published'));
      const run = await expectWhole(runId, tasks);
      expect(endings(run, cutOff.task)).toStrictEqual(['AC_HOST_DIED', 'ingested']);
      for (const task of tasks.filter((id) => id !== cutOff.task))
        expect(endings(run, task)).toStrictEqual(['ingested']);
      expect(
        of(['attempt_lost', 'task_complete', 'task_failed'], watching.seen, cutOff.task).map(({ envelope }) => [
          envelope.envelope_type,
          envelope.payload['epoch'],
        ]),
      ).toStrictEqual([
        ['attempt_lost', cutOff.epoch],
        ['task_complete', again()?.epoch],
      ]);
    },
  );

  it(
    'goes on when a host is killed, and when the engine is killed beside hosts at work',
    { timeout: 180_000 },
    async () => {
      await machines.open(['left', 'right'], leaseMs);
      await machines.startEngine();
      await Promise.all(machines.hosts.map((host) => machines.startHost(host)));
      const runId = await submit([gated('one'), gated('two'), quick('three', ['one', 'two'])]);
      const watching = machines.watch(runId);
      const [killed, other] = await bothAtWork(watching, ['one', 'two']);

      await machines.kill(killed.host, 'SIGKILL');
      await machines.kill(machines.hub, 'SIGKILL');
      // Its result waits for the engine home to come back.
      await release(other.container);
      await expect.poll(() => other.host.output, { timeout: 30_000 }).toContain('waits for the engine home');
      await machines.startEngine();
      const again = (): Begun | undefined =>
        begun(watching.seen).find(({ task, epoch }) => task === killed.task && epoch > killed.epoch);
      await watching.until(() => again() !== undefined);
      expect(again()?.host).toBe(other.host);
      // What it left is its own, and goes when it comes back.
      await machines.startHost(killed.host);
      expect(await isThere(killed.container)).toBe(false);
      expect(await isThere(again()?.container ?? '')).toBe(true);
      await release(again()?.container ?? '');
      await watching.until((seen) => seen.some(({ envelope }) => envelope.payload['to'] === 'published'));
      const run = await expectWhole(runId, ['one', 'two', 'three']);
      expect(endings(run, killed.task)).toStrictEqual(['AC_HOST_DIED', 'ingested']);
      expect(endings(run, other.task)).toStrictEqual(['ingested']);
    },
  );

  it(
    'S71 goes on when the bus server is killed under engine and hosts, and comes back after their leases',
    { timeout: 180_000 },
    async () => {
      await machines.open(['left', 'right'], leaseMs);
      await machines.startEngine();
      await Promise.all(machines.hosts.map((host) => machines.startHost(host)));
      const runId = await submit([gated('one'), gated('two')]);
      const watching = machines.watch(runId);
      const both = await bothAtWork(watching, ['one', 'two']);
      await machines.kill(machines.redis, 'SIGKILL');
      for (const { container } of both) await expect.poll(() => isThere(container), { timeout: 30_000 }).toBe(false);
      await machines.startRedis();
      const again = (): readonly Begun[] => begun(watching.seen).filter(({ epoch }) => epoch > 1);
      await watching.until(() => again().length === 2);
      await Promise.all(again().map(({ container }) => release(container)));
      await watching.until((seen) => seen.some(({ envelope }) => envelope.payload['to'] === 'published'));
      const run = await expectWhole(runId, ['one', 'two']);
      for (const task of ['one', 'two']) expect(endings(run, task)).toStrictEqual(['AC_HOST_DIED', 'ingested']);
    },
  );

  it(
    'lets a host drain, and ends one whose token is no longer taken without harm to its tasks',
    { timeout: 180_000 },
    async () => {
      await machines.open(['left', 'right'], leaseMs);
      await machines.startEngine();
      const [left, right] = machines.hosts;
      if (left === undefined || right === undefined) throw new Error('no hosts');
      await Promise.all([machines.startHost(left), machines.startHost(right)]);
      const runId = await submit([gated('one'), gated('two'), quick('three', ['one', 'two'])]);
      const watching = machines.watch(runId);
      const both = await bothAtWork(watching, ['one', 'two']);
      const containerOn = (host: HostMachine): string => both.find((work) => work.host === host)?.container ?? '';

      // Left takes nothing more and hands over what it has.
      const drained = machines.ended(left, 'SIGINT');
      await expect.poll(() => left.output).toContain('No new work');
      await release(containerOn(left));
      expect(await drained).toBe(0);

      expect(await machines.ended(machines.hub, 'SIGINT')).toBe(0);
      rmSync(join(company.home.root, 'runtime', 'state', 'host-token'));
      await machines.startEngine();
      await release(containerOn(right));
      expect(await machines.ended(right)).toBe(4);
      expect(right.output).toContain('AC_HOST_TOKEN');
      await machines.startHost(left);
      const again = (): Begun | undefined => begun(watching.seen).find(({ host, epoch }) => host === left && epoch > 1);
      await watching.until(() => again() !== undefined);
      await release(again()?.container ?? '');
      await watching.until((seen) => seen.some(({ envelope }) => envelope.payload['to'] === 'published'));
      const run = await expectWhole(runId, ['one', 'two', 'three']);
      expect(endings(run, again()?.task ?? '')).toStrictEqual(['AC_HOST_STOPPED', 'ingested']);
    },
  );
});
