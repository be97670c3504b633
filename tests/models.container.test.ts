import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { openLoopbackServer, type LoopbackServer } from '../orchestrator/src/models/testing/loopback-server.ts';
import { openaiDialect } from '../orchestrator/src/models/testing/openai-dialect.ts';
import {
  environmentOfEngine,
  git,
  installation,
  openTestCompany,
  type TestCompany,
} from './support/open-test-company.ts';
import { greeting, scriptedCompany } from './support/scripted-replies.ts';

let test: TestCompany;
afterEach(() => test.dispose());

const { instruction, plan } = greeting;

/** A company whose model answers from this script. */
function openScripted(replies: readonly unknown[]): Promise<TestCompany> {
  return openTestCompany({ flags: scriptedCompany(replies).flags });
}

async function openServer(key: string): Promise<LoopbackServer & AsyncDisposable> {
  const server = await openLoopbackServer({ dialect: openaiDialect, key, models: ['m1'] });
  return { ...server, [Symbol.asyncDispose]: () => server.close() };
}

/** The command line as a person has it, on the company under test. */
function startCli(environment: Readonly<Record<string, string>>, ...words: readonly string[]): ChildProcess {
  const main = join(installation, 'tools/cli/src/main.ts');
  const env = { ...environmentOfEngine(), PATH: process.env['PATH'], ...environment };
  const call = ['--conditions=development', main, ...words, '--home', test.home.root];
  return spawn(process.execPath, call, { env, stdio: 'ignore' });
}

async function carryOut(): Promise<string> {
  const { runId } = unwrap(await test.company.submit({ projectId: 'app', instruction, plan: null }));
  unwrap(await test.company.drive({ runs: [runId], signal: AbortSignal.timeout(90_000) }));
  return runId;
}

describe('a run without a plan file', () => {
  it('C11 is planned by the model, after one repair, carried out by real workers, and published', async () => {
    const usage = { input: 700, output: 90 };
    const cyclic = { ...plan, tasks: plan.tasks.map((task) => ({ ...task, depends_on: ['name'] })) };
    test = await openScripted([
      {
        contains: ['tasks wait for each other in a circle'],
        text: `\`\`\`json\n${JSON.stringify(plan)}\n\`\`\``,
        usage,
      },
      { contains: [instruction, 'README.md'], text: JSON.stringify(cyclic), usage },
    ]);
    const runId = await carryOut();
    const run = unwrap(await test.company.showRun(runId));
    expect([run.state, run.error]).toEqual(['published', null]);
    expect(run.task_list.map(({ task_id: id, state }) => [id, state])).toEqual([
      ['greet', 'merged'],
      ['name', 'merged'],
    ]);
    const branch = run.pull_request?.branch ?? '';
    expect(git(test.repository, 'show', `${branch}:hello.txt`)).toBe('hello');
    expect(git(test.repository, 'show', `${branch}:README.md`)).toContain('See hello.txt');
    for await (const { envelope } of test.company.timeline(runId, {
      after: 0,
      follow: false,
      signal: AbortSignal.timeout(10_000),
    })) {
      if (envelope.envelope_type !== 'task_plan') continue;
      const call = {
        provider: 'scripted',
        model: 'planner',
        usage: { ...usage, cache_read: 0, cache_write: 0 },
        cost_usd: 0,
      };
      expect(envelope.payload['planning']).toEqual({ calls: [call, call] });
    }
  });

  it('C11 ends with its error where the model makes no plan, and takes nothing of the answer', async () => {
    test = await openScripted([
      { text: '{"title": "x", "tasks": [{"id": "../../etc", "title": "t", "run": {"command": "id"}}]}' },
    ]);
    const run = unwrap(await test.company.showRun(await carryOut()));
    expect([run.state, run.error?.code, run.task_list]).toEqual(['failed', 'AC_MODEL_ANSWER_INVALID', []]);
    expect(run.error?.message).toContain('tasks.0.id');
  });

  it('C11 goes on after kill -9 in the middle of planning: the model is asked again, and there is one plan', async () => {
    const key = 'sk-of-the-test';
    await using server = await openServer(key);
    const models = { openai: { base_url: `${server.url}/v1`, api_key: '${MODEL_KEY}' } };
    const environment = {
      MODEL_KEY: key,
      AGENTCOMPANY_AI_ADAPTER: 'openai',
      AGENTCOMPANY_MODEL: 'm1',
      AGENTCOMPANY_MODELS: JSON.stringify(models),
    };
    test = await openTestCompany({ environment });
    server.next({ kind: 'half', afterwards: 'silence', answer: { texts: [JSON.stringify(plan)] } });
    const killed = startCli(environment, 'run', instruction);
    const ended = once(killed, 'exit');
    while (server.seen.length === 0) await setTimeout(20);
    killed.kill('SIGKILL');
    await ended;
    server.next({ kind: 'answer', answer: { texts: [JSON.stringify(plan)] } });
    const [code] = (await once(startCli(environment, 'resume'), 'exit')) as [number];
    expect([code, server.seen.length, server.objections]).toEqual([0, 2, []]);
    const [run] = unwrap(await test.company.listRuns());
    const types: string[] = [];
    const everything = { after: 0, follow: false, signal: AbortSignal.timeout(10_000) };
    for await (const { envelope } of test.company.timeline(run?.run_id ?? '', everything)) {
      types.push(envelope.envelope_type);
      expect(JSON.stringify(envelope)).not.toContain(key);
    }
    expect([run?.state, types.filter((type) => type === 'task_plan').length]).toEqual(['published', 1]);
    const log = readFileSync(join(dirname(test.home.configFile), 'engine.log'), 'utf8');
    expect(log).toContain('model-called');
    expect(log).not.toContain(key);
  });
});
