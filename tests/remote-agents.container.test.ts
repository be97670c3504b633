import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { companyWithMachines, release, type HostMachine, type LedgerEntry, type Machines } from './support/machines.ts';
import { git, type TestCompany } from './support/open-test-company.ts';
import { scriptedCompany } from './support/scripted-replies.ts';

let company: TestCompany;
let machines: Machines;
beforeEach(async () => {
  const opened = await companyWithMachines();
  ({ company, machines } = opened);
  return opened.dispose;
});

const leaseMs = 6000;
const command = (text: string) => [{ name: 'run_command', input: { command: text } }];
/** The latest thing that was said decides. */
const replies = [
  { contains: ['third is there'], text: 'All is there.' },
  {
    contains: ['second is there'],
    tool_calls: command('while [ ! -e /tmp/go ]; do sleep 0.1; done; echo third "is there"'),
  },
  {
    // Chance: whoever begins anew sees something else, and says something that was never said.
    contains: ['Answer of president:\nMIT'],
    tool_calls: command('cat /proc/sys/kernel/random/uuid | tee LICENSE; echo second "is there"'),
  },
  {
    contains: ['Give the project a license.'],
    tool_calls: [{ name: 'ask_person', input: { question: 'Which license?' } }],
  },
];
const plan = {
  title: 'License',
  tasks: [
    {
      id: 'license',
      title: 'License',
      instructions: 'Give the project a license.',
      agent: 'coder',
      verify: ['test -f LICENSE'],
    },
  ],
};

/** The answers of the model that a host on another machine keeps for the next attempt. */
function turnsKept({ folder }: HostMachine, runId: string): number {
  const file = join(folder, 'runs', runId, 'checkpoints', 'license', '1.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { readonly turns: number }).turns : 0;
}

const typesOf = (seen: readonly LedgerEntry[], ...types: readonly string[]): readonly LedgerEntry[] =>
  seen.filter(({ envelope }) => types.includes(envelope.envelope_type));

/** The containers that were made so far, in their order. */
function containersIn(seen: readonly LedgerEntry[]): readonly string[] {
  return typesOf(seen, 'effect_result').flatMap(({ envelope }) => {
    const { kind, outcome } = envelope.payload as { kind?: string; outcome?: { container_id?: string } };
    return kind === 'container' ? [outcome?.container_id ?? ''] : [];
  });
}

it(
  'an agent on another machine asks a person and its model through the engine home, and goes on from its checkpoint after kill -9 of its host',
  { timeout: 180_000 },
  async () => {
    await machines.open(['elsewhere'], leaseMs, { ...scriptedCompany(replies).flags, review: 'rules' });
    await machines.startEngine();
    const [host] = machines.hosts;
    if (host === undefined) throw new Error('no host');
    await machines.startHost(host);
    const file = join(company.folder, 'plan.json');
    writeFileSync(file, JSON.stringify(plan));
    const call = ['run', 'License it', '--project', 'app', '--plan', file, '--detach', '--json'];
    const answer = JSON.parse((await machines.call(...call)).split('\n')[0] ?? '') as { readonly run_id: string };
    const runId = answer.run_id;
    const { until, seen } = machines.watch(runId);

    // The tool is the host's own: its question reaches a person over the bus, and the answer comes back the same way.
    await until(() => typesOf(seen, 'question').length === 1);
    const [question] = typesOf(seen, 'question');
    await machines.call('answer', String(question?.envelope.payload['question_id']), 'MIT');

    // The third turn waits, those before it are kept.
    const exchanges = join(company.home.runsFolder, runId, 'exchanges');
    const recorded = (): readonly string[] =>
      existsSync(exchanges) ? readdirSync(exchanges).filter((name) => name.endsWith('.json')) : [];
    const state = (): readonly number[] => [turnsKept(host, runId), recorded().length];
    await expect.poll(state, { timeout: 60_000 }).toEqual([2, 3]);
    await machines.kill(host, 'SIGKILL');
    await machines.startHost(host);
    await until(() => containersIn(seen).length === 2);
    await release(containersIn(seen)[1] ?? '');
    await until(() => typesOf(seen, 'run_state').some(({ envelope }) => envelope.payload['to'] === 'published'));

    const view = JSON.parse(await machines.call('runs', 'show', runId, '--json')) as {
      readonly run: { readonly pull_request: { readonly branch: string } };
    };
    const license = git(company.repository, 'show', `${view.run.pull_request.branch}:LICENSE`);
    expect(license).toMatch(/^[0-9a-f]{8}-/);
    expect(typesOf(seen, 'question', 'answer')).toHaveLength(2);
    expect(typesOf(seen, 'attempt_started', 'attempt_lost').map(({ envelope }) => envelope.envelope_type)).toEqual([
      'attempt_started',
      'attempt_lost',
      'attempt_started',
    ]);
    // Each answer of the model was asked for once, at the engine home: nothing was done again.
    const said = recorded().map((name) => readFileSync(join(exchanges, name), 'utf8'));
    expect(said).toHaveLength(4);
    expect(said.filter((text) => text.includes(license))).toHaveLength(2);
    expect(existsSync(join(host.folder, 'runs', runId, 'exchanges'))).toBe(false);
  },
);
