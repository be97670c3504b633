import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planSchema, unwrap, type Plan } from '@agentcompany/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../orchestrator/src/config.ts';
import { replayRun, type ReplayReport } from '../orchestrator/src/facade/replay/replay-run.ts';
import {
  environmentOfEngine,
  git,
  installation,
  openTestCompany,
  planOf,
  type TestCompany,
} from './support/open-test-company.ts';

let test: TestCompany;
afterEach(() => test.dispose());

const instruction = 'Greet the world in a file of its own, then name it in the readme.';
const greeting = {
  title: 'Greet the world',
  verify: ['grep -q hello.txt README.md'],
  tasks: [
    { id: 'greet', title: 'Greet', instructions: 'A file.', run: { command: 'echo hello > hello.txt' } },
    {
      id: 'name',
      title: 'Name it',
      instructions: 'In the readme.',
      depends_on: ['greet'],
      run: { command: 'echo "See hello.txt" >> README.md' },
    },
  ],
};
const replies = [
  { contains: ['in a circle'], text: JSON.stringify(greeting) },
  {
    contains: [instruction],
    text: JSON.stringify({ ...greeting, tasks: greeting.tasks.map((task) => ({ ...task, depends_on: ['name'] })) }),
  },
];

/** The settings of a company whose model answers from a script, and the script. */
function scripted(): { readonly flags: Record<string, unknown>; readonly file: string } {
  const file = join(mkdtempSync(join(tmpdir(), 'replies-')), 'replies.json');
  writeFileSync(file, JSON.stringify({ version: 1, replies }));
  return { flags: { ai_adapter: 'scripted', model: 'planner', models: { scripted: { file } } }, file };
}

async function carryOut(plan: Plan | null): Promise<string> {
  const { runId } = unwrap(await test.company.submit({ projectId: 'app', instruction, plan }));
  unwrap(await test.company.drive({ runs: [runId], signal: AbortSignal.timeout(90_000) }));
  return runId;
}

async function replay(
  runId: string,
  flags: Record<string, unknown>,
  keep: string | null = null,
): Promise<ReplayReport> {
  const environment = environmentOfEngine();
  const { config } = unwrap(loadConfig({ home: test.home, environment, flags }));
  const signal = AbortSignal.timeout(90_000);
  return unwrap(await replayRun({ company: test.company, config, environment, installation, keep, signal }, runId));
}

function exchangesOf(runId: string): readonly string[] {
  const folder = join(test.home.runsFolder, runId, 'exchanges');
  return readdirSync(folder).map((name) => join(folder, name));
}

describe('a replay', () => {
  it('does a planned run again without its model, on the base it began at, and finds the same tree', async () => {
    const { flags, file } = scripted();
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
    const { flags } = scripted();
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

  it('does the work of an agent again from its recording, in the words of its definition', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'replies-')), 'replies.json');
    const edit = { name: 'write_file', input: { path: 'bread.txt', content: 'rye\n' } };
    const agentReplies = [
      { contains: ['You bake.', 'Your personality: Warm.', 'wrote'], text: 'Baked.' },
      { contains: ['You bake.', 'Bake a bread.'], tool_calls: [edit] },
    ];
    writeFileSync(file, JSON.stringify({ version: 1, replies: agentReplies }));
    const flags = { ai_adapter: 'scripted', model: 'planner', models: { scripted: { file } }, review: 'rules' };
    test = await openTestCompany({ flags });
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
});
