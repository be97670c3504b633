import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { git, openTestCompany, type TestCompany } from './support/open-test-company.ts';

let test: TestCompany;
afterEach(() => test.dispose());

const instruction = 'Greet the world in a file of its own, then name it in the readme.';
const plan = {
  title: 'Greet the world',
  verify: ['grep -q hello.txt README.md'],
  tasks: [
    { id: 'greet', title: 'Greet', instructions: 'A file.', run: { command: 'echo hello > hello.txt' } },
    {
      id: 'name',
      title: 'Name it',
      instructions: 'In the readme.',
      depends_on: ['greet'],
      run: { script: 'test -f hello.txt\necho "See hello.txt" >> README.md\n', interpreter: 'sh' },
    },
  ],
};

/** A company whose model answers from this script. */
async function openScripted(replies: readonly unknown[]): Promise<TestCompany> {
  const file = join(mkdtempSync(join(tmpdir(), 'replies-')), 'replies.json');
  writeFileSync(file, JSON.stringify({ version: 1, replies }));
  const flags = { ai_adapter: 'scripted', model: 'planner', models: { scripted: { file } } };
  return openTestCompany({ flags });
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
});
