import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { planSchema, unwrap } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { RunView } from '../orchestrator/src/company/view.ts';
import type { Answer } from '../orchestrator/src/models/testing/dialect.ts';
import { openLoopbackServer, type LoopbackServer } from '../orchestrator/src/models/testing/loopback-server.ts';
import { openaiDialect } from '../orchestrator/src/models/testing/openai-dialect.ts';
import {
  environmentOfEngine,
  git,
  installation,
  openTestCompany,
  type TestCompany,
} from './support/open-test-company.ts';
import { repliesFile } from './support/scripted-replies.ts';

const key = 'sk-of-the-test';
/** One dollar for each million tokens: what a call costs is easily seen. */
const prices = [{ model: 'm1', input: 1, output: 1 }];
const usage = { input: 1000, output: 500, cacheRead: 0, cacheWrite: 0 };
const callTokens = usage.input + usage.output;
const callDollars = callTokens / 1_000_000;
/** A quarter of the durable steps that the run surely has. */
const stepsApart = 7;
const plan = planSchema.parse({
  title: 'Steps',
  tasks: [
    {
      id: 'steps',
      title: 'Write three steps',
      instructions: 'One after the other.',
      agent: 'coder',
      verify: ['test -f one.txt', 'test -f two.txt', 'grep -q "one two" three.txt'],
    },
  ],
});

/** The model wants this done in a shell. */
const command = (id: string, text: string): { readonly kind: 'answer'; readonly answer: Partial<Answer> } => {
  const calls = [{ id, name: 'run_command', input: { command: text } }];
  return { kind: 'answer', answer: { texts: [], calls, usage } };
};
const first = command('call-one', 'echo one > one.txt');
const second = command('call-two', 'printf two > two.txt');
const third = command('call-three', 'echo "$(cat one.txt) $(cat two.txt)" > three.txt');
const done = { kind: 'answer', answer: { texts: ['All three are there.'], usage } } as const;

/** The command `resume` in a process of its own, `more` in its environment. */
type StartEngine = (more?: Readonly<Record<string, string>>) => ChildProcess;

interface Engineless extends TestCompany {
  readonly runId: string;
  readonly startEngine: StartEngine;
}

interface Crashing extends Engineless {
  readonly server: LoopbackServer;
}

/** A run of one task for the builtin agent on record, with these models, and no engine yet. */
async function openEngineless(models: Readonly<Record<string, string>>): Promise<Engineless> {
  const environment = { ...models, AGENTCOMPANY_MODEL: 'm1', AGENTCOMPANY_REVIEW: 'rules' };
  const test = await openTestCompany({ environment });
  onTestFinished(() => test.dispose());
  const settings = { budget_usd: 1, budget_tokens: 1_000_000 };
  const { runId } = unwrap(await test.company.submit({ projectId: 'app', instruction: 'Steps', plan, settings }));
  const main = join(installation, 'tools/cli/src/main.ts');
  const startEngine: StartEngine = (more = {}) => {
    const engine = spawn(process.execPath, ['--conditions=development', main, 'resume', '--home', test.home.root], {
      env: { ...environmentOfEngine(), PATH: process.env['PATH'], ...environment, ...more },
      stdio: 'ignore',
    });
    onTestFinished(() => void engine.kill('SIGKILL'));
    return engine;
  };
  return { ...test, runId, startEngine };
}

/** The model is on a real server, which remembers what it was asked. */
async function openCrashing(): Promise<Crashing> {
  const server = await openLoopbackServer({ dialect: openaiDialect, key, models: ['m1'] });
  onTestFinished(() => server.close());
  const models = { openai: { base_url: `${server.url}/v1`, api_key: '${MODEL_KEY}' }, prices };
  const environment = { MODEL_KEY: key, AGENTCOMPANY_AI_ADAPTER: 'openai' };
  const test = await openEngineless({ ...environment, AGENTCOMPANY_MODELS: JSON.stringify(models) });
  return { ...test, server };
}

/** The model answers from a file: the same conversation gets the same reply, whichever process asks. */
async function openScripted(): Promise<Engineless> {
  const reply = (word: string, text: string) => ({
    contains: [word],
    tool_calls: [{ name: 'run_command', input: { command: text } }],
    usage: { input: usage.input, output: usage.output },
  });
  const replies = [
    { contains: ['third is there'], text: 'All three are there.', usage: { input: usage.input, output: usage.output } },
    reply('second is there', 'echo "$(cat one.txt) $(cat two.txt)" > three.txt; echo third "is there"'),
    reply('first is there', 'printf two > two.txt; echo second "is there"'),
    reply('One after the other.', 'echo one > one.txt; echo first "is there"'),
  ];
  const models = JSON.stringify({ scripted: { file: repliesFile(replies) } });
  return openEngineless({ AGENTCOMPANY_AI_ADAPTER: 'scripted', AGENTCOMPANY_MODELS: models });
}

/** Kills the engine once all of `expected` holds. */
async function killWhen({ startEngine }: Crashing, expected: () => void): Promise<void> {
  const engine = startEngine();
  const ended = once(engine, 'exit');
  await vi.waitFor(expected, { timeout: 60_000, interval: 20 });
  engine.kill('SIGKILL');
  expect(await ended).toEqual([null, 'SIGKILL']);
}

async function goOn({ startEngine }: Engineless): Promise<void> {
  const engine = startEngine();
  expect(await once(engine, 'exit')).toEqual([0, null]);
}

function messagesOf({ server }: Crashing, request: number): readonly unknown[] {
  return (server.seen[request]?.body as { readonly messages?: readonly unknown[] } | undefined)?.messages ?? [];
}

/** The answers of the model that the agent's checkpoint holds. */
function turnsKept({ home, runId }: Engineless): number {
  const file = join(home.runsFolder, runId, 'checkpoints', 'steps', '1.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { readonly turns: number }).turns : 0;
}

function repliesKept({ home, runId }: Engineless): number {
  const folder = join(home.runsFolder, runId, 'exchanges');
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')).length : 0;
}

/** One end: the work of all turns in one merge, every attempt that was granted money settled once, and a cost that is their sum. */
async function expectWhole({ company, runId, repository }: Engineless): Promise<RunView> {
  const run = unwrap(await company.showRun(runId));
  expect([run.state, run.error, run.task_list.map(({ state }) => state)]).toEqual(['published', null, ['merged']]);
  const branch = run.pull_request?.branch ?? '';
  expect(git(repository, 'show', `${branch}:three.txt`)).toBe('one two');
  expect(git(repository, 'log', '--merges', '--format=%s', branch)).toBe('Merge: Write three steps');
  expect(unwrap(await company.listPullRequests())).toHaveLength(1);
  const attemptsIn = { budget_grant: new Set<string>(), budget_settle: [] as string[] };
  const all = { after: 0, follow: false, signal: AbortSignal.timeout(10_000) };
  for await (const { envelope } of company.timeline(runId, all)) {
    const id = String(envelope.payload['attempt_id']);
    if (envelope.envelope_type === 'budget_grant') attemptsIn.budget_grant.add(id);
    if (envelope.envelope_type === 'budget_settle') attemptsIn.budget_settle.push(id);
  }
  // An attempt that found every reply on record was granted nothing, and settles all the same.
  expect(attemptsIn.budget_settle).toEqual(expect.arrayContaining([...attemptsIn.budget_grant]));
  expect(new Set(attemptsIn.budget_settle).size).toBe(attemptsIn.budget_settle.length);
  const costs = (run.task_list[0]?.attempts ?? []).map(({ cost }) => cost?.usd ?? 0);
  expect(run.cost.usd).toBeCloseTo(
    costs.reduce((sum, cost) => sum + cost, 0),
    9,
  );
  return run;
}

/** Kills at the durable step, goes on, and says how many calls of the model the run took in all. */
async function callsWithCrashAt(step: number): Promise<number> {
  const test = await openScripted();
  const [, signal] = (await once(test.startEngine({ CRASH_AT: String(step) }), 'exit')) as [unknown, unknown];
  expect(signal, `step ${step}`).toBe('SIGKILL');
  await goOn(test);
  const run = await expectWhole(test);
  expect(unwrap(await test.company.listRuns())).toHaveLength(1);
  return run.cost.calls;
}

describe('an engine that is killed while an agent works', () => {
  it('C29 goes on with the conversation after kill -9 while the model thinks, and asks for no reply again', async () => {
    const test = await openCrashing();
    const { server } = test;
    server.next(first, second, { kind: 'silence' });
    await killWhen(test, () => expect([server.seen.length, turnsKept(test)]).toEqual([3, 2]));
    server.next(third, done);
    await goOn(test);
    const run = await expectWhole(test);
    expect([server.seen.length, server.objections]).toEqual([5, []]);
    const before = messagesOf(test, 2);
    const after = messagesOf(test, 3);
    // What was under way is asked for again, word for word: had the reply been recorded, it would have been found.
    expect(after).toEqual(before);
    // The reply that was under way may have been paid: it counts at the most it can have come to.
    const [killed, last] = run.task_list[0]?.attempts ?? [];
    expect([killed?.cost?.calls, killed?.cost?.estimated, last?.cost?.calls]).toEqual([3, true, 2]);
    expect(killed?.cost?.usd).toBeGreaterThan(3 * callDollars);
    expect(last?.cost?.usd).toBeCloseTo(2 * callDollars, 9);
  });

  it('C29 is given a reply that was paid before anything was left, and pays it once', async () => {
    const test = await openCrashing();
    const { server } = test;
    server.next(command('call-one', 'sleep 2; echo one > one.txt'));
    await killWhen(test, () => expect(repliesKept(test)).toBe(1));
    expect(turnsKept(test)).toBe(0);
    server.next(second, third, done);
    await goOn(test);
    const run = await expectWhole(test);
    expect(server.objections).toEqual([]);
    expect(server.seen.map((_request, index) => messagesOf(test, index).length)).toEqual([2, 4, 6, 8]);
    expect(run.task_list[0]?.attempts).toHaveLength(2);
    expect([run.cost.calls, run.cost.tokens, run.cost.estimated]).toEqual([4, 4 * callTokens, false]);
  });

  it('C29 reaches the same end, and pays at most one reply again, whatever durable step it dies at', async () => {
    const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % stepsApart);
    const steps = [0, 1, 2, 3].map((part) => part * stepsApart + (seed % stepsApart) + 1);
    for (const pair of [steps.slice(0, 2), steps.slice(2)])
      for (const calls of await Promise.all(pair.map(callsWithCrashAt))) {
        expect(calls, `CRASH_SEED=${seed}`).toBeGreaterThanOrEqual(4);
        // The one that was under way, or a last word that is said once more.
        expect(calls, `CRASH_SEED=${seed}`).toBeLessThanOrEqual(4 + 1);
      }
  });
});
