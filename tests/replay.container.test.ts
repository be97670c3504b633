import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { planSchema, unwrap, type Plan } from '@agentcompany/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import type { ReplayReport } from '../orchestrator/src/facade/replay/replay-run.ts';
import { git, openTestCompany, planOf, type TestCompany } from './support/open-test-company.ts';
import { replayAgain } from './support/replay-again.ts';
import { greeting, scriptedCompany } from './support/scripted-replies.ts';

let test: TestCompany;
afterEach(() => test.dispose());

const { instruction, plan: greetingPlan } = greeting;
const replies = [
  { contains: ['in a circle'], text: JSON.stringify(greetingPlan) },
  {
    contains: [instruction],
    text: JSON.stringify({
      ...greetingPlan,
      tasks: greetingPlan.tasks.map((task) => ({ ...task, depends_on: ['name'] })),
    }),
  },
];

async function carryOut(plan: Plan | null): Promise<string> {
  const { runId } = unwrap(await test.company.submit({ projectId: 'app', instruction, plan }));
  unwrap(await test.company.drive({ runs: [runId], signal: AbortSignal.timeout(90_000) }));
  return runId;
}

const replay = (
  runId: string,
  flags: Readonly<Record<string, unknown>>,
  keep: string | null = null,
): Promise<ReplayReport> => replayAgain(test, runId, flags, keep);

function exchangesOf(runId: string): readonly string[] {
  const folder = join(test.home.runsFolder, runId, 'exchanges');
  return readdirSync(folder).map((name) => join(folder, name));
}

describe('a replay', () => {
  it('does a planned run again without its model, on the base it began at, and finds the same tree', async () => {
    const { flags, file } = scriptedCompany(replies);
    test = await openTestCompany({ flags });
    const runId = await carryOut(null);
    const before = unwrap(await test.company.showRun(runId));
    expect(before.state).toBe('published');
    // The project has moved on, and the model is gone.
    const checkout = join(test.folder, 'later');
    execFileSync('git', ['clone', '-q', test.repository, checkout]);
    git(
      checkout,
      '-c',
      'user.name=T',
      '-c',
      'user.email=t@example.com',
      'commit',
      '-q',
      '--allow-empty',
      '-m',
      'Later',
    );
    git(checkout, 'push', '-q', 'origin', 'HEAD:main');
    rmSync(file);
    const keep = join(test.folder, 'again');
    const report = await replay(runId, flags, keep);
    expect(report).toMatchObject({
      same: true,
      folder: keep,
      exchanges: { recorded: 2, used: 2 },
      first_unrecorded: null,
    });
    const tree = git(test.repository, 'rev-parse', `${before.pull_request?.branch}^{tree}`);
    expect(report.facts.map(({ what, recorded, replayed }) => [what, recorded, replayed])).toEqual([
      ['plan', before.plan_hash, before.plan_hash],
      ['task greet', 'approve, merged', 'approve, merged'],
      ['task name', 'approve, merged', 'approve, merged'],
      ['result', tree, tree],
      ['run', 'published', 'published'],
    ]);
    expect(existsSync(join(keep, 'home/runtime/state/runs', report.replay_id, 'summary.md'))).toBe(true);
    expect(readFileSync(join(keep, 'home/runtime/state/runs', report.replay_id, 'messages.log'), 'utf8')).toMatch(
      / TASK_ASSIGN engine -> workers \| /,
    );
    // Nothing of it reached the company.
    expect(unwrap(await test.company.listRuns())).toHaveLength(1);
  });

  it('says which request has no recording, and how it differs from the nearest', async () => {
    const { flags } = scriptedCompany(replies);
    test = await openTestCompany({ flags });
    const runId = await carryOut(null);
    const repaired = exchangesOf(runId).find((file) => readFileSync(file, 'utf8').includes('in a circle'));
    rmSync(repaired ?? '');
    const report = await replay(runId, flags);
    expect(report).toMatchObject({ same: false, folder: null, exchanges: { recorded: 1, used: 1 } });
    expect(report.first_unrecorded?.nearest).toMatchObject({ scope: 'planning', recorded: '(nothing)' });
    expect(report.first_unrecorded?.nearest?.path).toMatch(/^messages\.1/);
    expect(report.facts.find(({ what }) => what === 'run')).toMatchObject({ replayed: 'failed', same: false });
  });

  it('does a run of commands alone again, and tells by its tree what no two times is the same', async () => {
    test = await openTestCompany();
    const steady = await carryOut(planOf([{ id: 'a', run: { command: 'echo a > a.txt' } }]));
    expect(await replay(steady, {})).toMatchObject({ same: true, exchanges: { recorded: 0, used: 0 } });
    const random = await carryOut(planOf([{ id: 'b', run: { command: 'cat /proc/sys/kernel/random/uuid > b.txt' } }]));
    const report = await replay(random, {});
    expect(report.same).toBe(false);
    expect(report.facts.filter(({ same }) => !same).map(({ what }) => what)).toEqual(['result']);
  });

  it('joins results in the order of then, whoever is quicker now', async () => {
    test = await openTestCompany({ flags: { max_workers: 2 } });
    const plan = planOf([
      // Begins first and is joined last.
      { id: 'slow', run: { command: 'sleep 3; test -e word.txt && cat word.txt > seen.txt; echo slow > word.txt' } },
      { id: 'quick', run: { command: 'echo quick > word.txt' } },
    ]);
    const runId = await carryOut(plan);
    const mergedOrder = async (company: TestCompany['company'], id: string): Promise<readonly unknown[]> => {
      const all = { after: 0, follow: false, signal: AbortSignal.timeout(10_000) };
      const order: unknown[] = [];
      for await (const { envelope } of company.timeline(id, all))
        if (envelope.envelope_type === 'merge_complete')
          order.push([envelope.context.task_id, envelope.payload['outcome']]);
      return order;
    };
    const order = await mergedOrder(test.company, runId);
    expect(order).toEqual([
      ['quick', 'merged'],
      ['slow', 'conflict'],
      ['slow-conflict-1', 'merged'],
    ]);
    // One worker alone has the slow one done before it begins the quick one.
    const report = await replay(runId, { max_workers: 1 });
    expect(report).toMatchObject({ same: true });
    expect(report.facts.map(({ what }) => what)).toContain('task slow-conflict-1');
  });

  it('does the work of an agent again from its recording, in the words of its definition', async () => {
    const edit = { name: 'write_file', input: { path: 'bread.txt', content: 'rye\n' } };
    const agentReplies = [
      { contains: ['You bake.', 'Your personality: Warm.', 'wrote'], text: 'Baked.' },
      { contains: ['You bake.', 'Bake a bread.'], tool_calls: [edit] },
    ];
    const { flags, file } = scriptedCompany(agentReplies);
    test = await openTestCompany({ flags: { ...flags, review: 'rules' } });
    writeFileSync(test.home.configFile, JSON.stringify({ version: 1, review: 'rules' }));
    mkdirSync(join(test.home.root, 'agents'));
    writeFileSync(join(test.home.root, 'agents/baker.yaml'), 'role: worker\nprompt: You bake.\npersonality: Warm.\n');
    const plan = planSchema.parse({
      title: 'Bake',
      tasks: [{ id: 'bread', title: 'Bread', instructions: 'Bake a bread.', agent: 'baker' }],
    });
    const runId = await carryOut(plan);
    const run = unwrap(await test.company.showRun(runId));
    expect([run.state, run.task_list.map(({ error }) => error)]).toEqual(['published', [null]]);
    // The definition is on record with the run: what becomes of the file changes nothing.
    rmSync(join(test.home.root, 'agents/baker.yaml'));
    rmSync(file);
    const report = await replay(runId, flags);
    expect(report).toMatchObject({ same: true, exchanges: { recorded: 2, used: 2 }, first_unrecorded: null });
  });

  it('gives an agent that asks a person the answer of then', async () => {
    const { flags } = scriptedCompany([
      { contains: ['bytes to LICENSE'], text: 'Done.' },
      {
        contains: ['Answer of president:\nMIT'],
        tool_calls: [{ name: 'write_file', input: { path: 'LICENSE', content: 'MIT\n' } }],
      },
      {
        contains: ['Give the project a license.'],
        tool_calls: [{ name: 'ask_person', input: { question: 'Which license?' } }],
      },
    ]);
    test = await openTestCompany({ flags: { ...flags, review: 'rules' } });
    const plan = planSchema.parse({
      title: 'License',
      tasks: [{ id: 'license', title: 'License', instructions: 'Give the project a license.', agent: 'coder' }],
    });
    const { runId } = unwrap(await test.company.submit({ projectId: 'app', instruction, plan }));
    const driven = test.company.drive({ runs: [runId], signal: AbortSignal.timeout(90_000) });
    const signal = AbortSignal.timeout(60_000);
    for await (const { envelope } of test.company.timeline(runId, { after: 0, follow: true, signal }))
      if (envelope.envelope_type === 'question') break;
    const [open] = unwrap(await test.company.listQuestions(runId));
    unwrap(await test.company.answerQuestion(open?.question_id ?? '', 'MIT'));
    unwrap(await driven);
    expect(unwrap(await test.company.showRun(runId))).toMatchObject({ state: 'published', error: null });
    expect(await replay(runId, flags)).toMatchObject({ same: true, exchanges: { recorded: 3, used: 3 } });
  });
});
