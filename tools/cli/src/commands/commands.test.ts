import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { success } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { FakeCompany, sketchTask } from '../testing/fake-company.ts';
import { homeWithProject, runCli } from '../testing/run-cli.ts';

const first = '0198c5f2-0000-7000-8000-000000000001';
const second = '0198c5f3-0000-7000-8000-000000000002';
const approval = {
  approval_id: 'a',
  subject: 'plan' as const,
  task_id: null,
  hash: 'h',
  expires_at: '2026-11-21T12:00:00.000Z',
  summary: 'plan of 2 tasks',
  details: ['first\u001b[31m'],
};

function company(): FakeCompany {
  const error = {
    code: 'AC_VERIFY_UNAVAILABLE',
    message: 'no tool',
    cause: null,
    remedy: 'Name an image.',
    retry: 'never' as const,
  };
  const tasks = [
    sketchTask('one', 'merged'),
    sketchTask('two', 'failed', {
      depends_on: ['one'],
      error,
      superseded_by: 'two-again',
      title: 'a *bold*\u001b[2J title that goes on and on and on until it leaves the line',
    }),
    sketchTask('two-again', 'running'),
  ];
  return new FakeCompany(
    {
      run_id: first,
      state: 'running',
      tasks: { merged: 1, failed: 1, running: 1 },
      task_list: tasks,
      approvals: [approval],
      created_at: '2026-11-20T12:00:00.000Z',
    },
    {
      run_id: second,
      state: 'completed',
      created_at: '2026-11-20T13:00:00.000Z',
      pull_request: { number: 3, url: 'u', branch: 'b', base: 'main' },
    },
  );
}

function widest(text: string): number {
  return Math.max(...text.split('\n').map((line) => line.length));
}

describe('runs and status', () => {
  it('C32 runs list shows the newest first, within 80 columns; --json is versioned', async () => {
    const { stdout } = await runCli(['runs', 'list'], { company: company() });
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^RUN +STATE +MERGED +PR +PROJECT +TITLE$/);
    expect(lines.slice(1).map((line) => line.split(/ {2,}/).slice(0, 4))).toEqual([
      ['0198c5f3-0000-7000', 'completed', '-', '#3'],
      ['0198c5f2-0000-7000', 'running', '1/3', '-'],
    ]);
    expect(widest(stdout)).toBeLessThanOrEqual(80);
    const json = await runCli(['runs', 'list', '--state', 'running', '--json'], { company: company() });
    expect(JSON.parse(json.stdout)).toMatchObject({ version: 1, runs: [{ run_id: first }] });
  });

  it('C32 runs show gives tasks, approvals and errors with remedies, cleaned of control characters', async () => {
    const { stdout } = await runCli(['runs', 'show', '0198c5f2'], { company: company() });
    expect(stdout).toContain('two: AC_VERIFY_UNAVAILABLE: no tool\n  remedy: Name an image.');
    expect(stdout).toContain('waits for your approval: plan of 2 tasks\n  first\n');
    expect(stdout).not.toContain('\u001b');
    expect(widest(stdout)).toBeLessThanOrEqual(80);
  });

  it('says which runs an ambiguous beginning fits, and knows an unknown one', async () => {
    expect(await runCli(['runs', 'show', '0198'], { company: company() })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(`${first}, ${second}`),
    });
    expect(await runCli(['runs', 'show', 'ff'], { company: company() })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('AC_RUN_UNKNOWN'),
    });
  });

  it('C32 status --json is stable: engine, totals, open and recent runs', async () => {
    const engine = company();
    engine.pid = 12;
    const json = JSON.parse((await runCli(['status', '--json'], { company: engine })).stdout);
    expect(Object.keys(json)).toEqual(['version', 'engine', 'total_runs', 'open_runs', 'recent_runs']);
    expect(json).toMatchObject({
      version: 1,
      engine: { pid: 12 },
      total_runs: 2,
      open_runs: [{ run_id: first }],
      recent_runs: [{ run_id: second }],
    });
    const idle = await runCli(['status'], { company: company() });
    expect(idle.stdout).toMatch(/^engine {2}not at work\nruns {4}1 open of 2\n/);
    expect(idle.stderr).toContain('agentcompany resume');
  });

  it('colours states only where colour is wanted', async () => {
    const coloured = await runCli(['status'], { company: company(), environment: { FORCE_COLOR: '1' } });
    expect(coloured.stdout).toContain('\u001b[32m');
    for (const environment of [{ FORCE_COLOR: '1', NO_COLOR: '1' }, { TERM: 'dumb' }]) {
      expect((await runCli(['status'], { company: company(), environment, isTerminal: true })).stdout).not.toContain(
        '\u001b',
      );
    }
    expect(
      (await runCli(['status', '--no-color'], { company: company(), environment: { FORCE_COLOR: '1' } })).stdout,
    ).not.toContain('\u001b');
  });
});

describe('steering a run', () => {
  it('C32 cancel, pause, approve and reject reach the run, and say when no engine is at work', async () => {
    const steered = company();
    const calls = [
      ['cancel', '0198c5f2', '--reason', 'wrong'],
      ['pause', '0198c5f2'],
      ['approve', '0198c5f2'],
      ['approve', '0198c5f2', '--reject', '-m', 'no'],
    ];
    for (const words of calls)
      expect(await runCli(words, { company: steered })).toMatchObject({
        exitCode: 0,
        stderr: expect.stringContaining('agentcompany resume'),
      });
    expect(steered.calls).toEqual([
      `cancel (wrong) ${first}`,
      `pause ${first}`,
      `approve ${first} `,
      `reject ${first} no`,
    ]);
  });

  it('passes on what cannot be done', async () => {
    expect(await runCli(['cancel', second], { company: company() })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('AC_RUN_ENDED'),
    });
    expect(await runCli(['approve', second, '--json'], { company: company() })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^\{"version":1,"error":\{"code":"AC_APPROVAL_NONE"/),
    });
  });

  it('C32 resume lifts what waits for a person, then drives; a run that lost its engine is only driven', async () => {
    const waiting = company();
    waiting.change(first, { state: 'needs_attention' });
    waiting.onDrive = async () => (waiting.change(first, { state: 'published' }), success());
    expect(await runCli(['resume', '0198c5f2'], { company: waiting })).toMatchObject({ exitCode: 0 });
    expect(waiting.calls).toEqual([`resume ${first}`, `drive ${first}`]);
    const crashed = company();
    crashed.onDrive = async () => (crashed.change(first, { state: 'published' }), success());
    expect(await runCli(['resume'], { company: crashed })).toMatchObject({ exitCode: 0 });
    expect(crashed.calls).toEqual([`drive ${first}`]);
    expect(await runCli(['resume'], { company: new FakeCompany() })).toMatchObject({
      exitCode: 0,
      stderr: 'No run is open.\n',
    });
  });

  it('DESIGN budget: resume lifts the budget of one run, also of one that is at work, and wants to know of which', async () => {
    const poor = company();
    poor.onDrive = async () => (poor.change(first, { state: 'published' }), success());
    const words = ['resume', first, '--budget', '2.5', '--budget-tokens', '1000'];
    expect(await runCli(words, { company: poor })).toMatchObject({ exitCode: 0 });
    expect(poor.calls).toEqual([`resume budget_usd 2.5 budget_tokens 1000 ${first}`, `drive ${first}`]);
    for (const wrong of [
      ['resume', '--budget', '1'],
      ['resume', first, '--budget', 'much'],
    ])
      expect(await runCli(wrong, { company: company() })).toMatchObject({ exitCode: 2 });
  });

  it('DESIGN budget: a run that waits for money ends with the exit code of the budget, and shows what it took', async () => {
    const poor = company();
    const error = {
      code: 'AC_BUDGET_SPENT',
      message: 'spent',
      cause: null,
      remedy: '`agentcompany resume RUN --budget USD`',
      retry: 'never' as const,
    };
    const cost = { usd: 0.25, unpriced_calls: 1, tokens: 1200, calls: 3, estimated: true };
    poor.onDrive = async () => {
      poor.change(first, { state: 'needs_attention', error, cost, budget: { usd: 0.3, tokens: null } });
      return success();
    };
    const resumed = await runCli(['resume', first], { company: poor });
    expect(resumed).toMatchObject({ exitCode: 7 });
    expect(resumed.stdout).toContain('cost          ≤ $0.2500 + 1 unpriced for 3 calls, 1200 tokens of $0.3');
    const shown = await runCli(['runs', 'show', first], { company: poor });
    expect(shown.stdout).toContain(`agentcompany resume ${first.slice(0, 18)} --budget USD`);
    expect(shown.stdout).toContain('cost          ≤ $0.2500 + 1 unpriced');
    expect((await runCli(['status'], { company: poor })).stdout).toMatch(/COST[^]*\$0\.2500 \+/);
  });

  it('resume of several runs names commands that take several', async () => {
    const both = company();
    both.change(second, { state: 'running' });
    both.onDrive = (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(success())));
    const { exitCode, stderr } = await runCli(['resume', '--timeout', '1'], { company: both });
    expect([exitCode, stderr]).toEqual([124, expect.stringContaining('2 runs are not done after 1 s')]);
    expect(stderr).toContain('Go on with `agentcompany resume`, or look with `agentcompany status`.');
  });

  it('resume shows what happens from now on, and refuses a run that has ended', async () => {
    const crashed = company();
    crashed.record(first, 'run_pause', { by: 'before' });
    crashed.onDrive = async () => {
      crashed.record(first, 'run_resume', { by: 'after' });
      return (crashed.change(first, { state: 'published' }), success());
    };
    const { stdout, stderr } = await runCli(['resume', first], { company: crashed });
    expect(stdout).toContain('resumed by after');
    expect(stdout).not.toContain('before');
    expect(stderr).toContain(`agentcompany watch ${first.slice(0, 18)}`);
    crashed.change(first, { state: 'completed' });
    expect(await runCli(['resume', first], { company: crashed })).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining('AC_RUN_ENDED'),
    });
  });

  it('a run that asked for a person shows its error once, with commands that can be copied', async () => {
    const asking = company();
    const error = {
      code: 'AC_X',
      message: 'why',
      cause: null,
      remedy: '`agentcompany logs RUN`',
      retry: 'never' as const,
    };
    asking.change(first, {
      state: 'needs_attention',
      error,
      approvals: [],
      task_list: [sketchTask('a', 'awaiting_person', { error })],
    });
    const { stdout } = await runCli(['runs', 'show', first], { company: asking });
    const short = first.slice(0, 18);
    expect(stdout.match(/AC_X/g)).toHaveLength(1);
    expect(stdout).toContain(`remedy: \`agentcompany logs ${short}\`\n`);
    expect(stdout).toContain(`next          agentcompany resume ${short}, or agentcompany cancel ${short}\n`);
    expect((await runCli(['status'], { company: asking })).stderr).toBe(
      `\nWaits for you: \`agentcompany runs show ${short}\`\n`,
    );
  });

  it('says that runs are there where a filter leaves none', async () => {
    const filtered = await runCli(['runs', 'list', '--state', 'bogus'], { company: company() });
    expect([filtered.stdout, filtered.stderr]).toEqual(['', 'No run is like that.\n']);
  });

  it('the engine drives everything, and is refused beside another', async () => {
    expect((await runCli(['engine'], { company: company() })).company.calls).toEqual(['drive all']);
    const taken = company();
    taken.pid = 7;
    expect(await runCli(['engine'], { company: taken })).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('process 7'),
    });
  });

  it('watch follows to the end and leaves the run alone at Ctrl-C', async () => {
    const followed = company();
    const done = runCli(['watch', '0198c5f2'], { company: followed });
    followed.record(first, 'task_retry', { feedback: { reason: 'changes_requested', message: 'add a test' } }, 'two');
    followed.change(first, { state: 'published' });
    followed.record(first, 'run_state', { to: 'published', reason: '', error: null });
    expect(await done).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('sent back: changes requested - add a test'),
    });
    const stopped = await runCli(['watch', '0198c5f2'], {
      company: company(),
      interruptible: (interrupt) => setImmediate(interrupt),
    });
    expect(stopped).toMatchObject({ exitCode: 130, stderr: expect.stringContaining('left alone') });
    expect(stopped.company.calls).toEqual([]);
  });
});

describe('looking closer', () => {
  it('logs print the text without control characters', async () => {
    const logged = company();
    logged.log = 'line one\u001b]0;title\u0007\r\nline\u0008 two\n';
    const { stdout } = await runCli(['logs', '0198c5f2', '--task', 'two', '--max-bytes', '10'], { company: logged });
    expect([stdout, logged.calls]).toEqual(['line one\nline two\n', ['log two 10']]);
  });

  it('plan show --markdown has a section per task with parent, dependencies and state', async () => {
    const { stdout } = await runCli(['plan', 'show', '0198c5f2', '--markdown'], { company: company() });
    expect(stdout.match(/^## .*/gm)).toHaveLength(3);
    expect(stdout).toContain('## two: a \\*bold\\* title');
    expect(stdout).toContain(
      '- Parent: the instruction\n- Depends on: one\n- State: failed\n- Superseded by: two-again\n- Error: AC_VERIFY_UNAVAILABLE: no tool',
    );
    expect(stdout).toContain('## two-again: Do two\\-again\n\n- Parent: two\n- Depends on: nothing\n- State: running');
  });

  it('plan check names what is wrong', async () => {
    expect(await runCli(['plan', 'check', '-'], { stdin: 'title: t\ntasks: []\n' })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('AC_PLAN_EMPTY: the plan has no tasks (standard input:2)'),
    });
    expect(
      await runCli(['plan', 'check', path.join(import.meta.dirname, '../../../../docs/examples/plan.yaml')]),
    ).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('license-badge') });
  });

  it('pr lists, shows and merges', async () => {
    const forge = company();
    forge.pullRequests = [
      {
        project_id: 'tool',
        number: 3,
        url: 'file:///f/3',
        branch: 'agent/x',
        base: 'main',
        key: 'k',
        title: 'Name it',
        body: 'All of it.\u001b[1m',
        draft: false,
        state: 'open',
        created_at: '2026-11-20T12:00:00.000Z',
        base_oid: 'b'.repeat(40),
        head_oid: 'a'.repeat(40),
        merge_oid: null,
      },
    ];
    expect((await runCli(['pr', 'list'], { company: forge })).stdout).toContain('#3  open   tool     agent/x  Name it');
    expect((await runCli(['pr', 'show', '#3'], { company: forge })).stdout).toBe(
      '#3 Name it\nopen: agent/x into main\nfile:///f/3\n\nAll of it.\n\n package.json | 1 +\n',
    );
    expect((await runCli(['pr', 'merge', '3', '--project', 'tool'], { company: forge })).stdout).toContain(
      '#3 merged into main',
    );
    expect(await runCli(['pr', 'show', '9'], { company: forge })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('AC_PULL_REQUEST_UNKNOWN'),
    });
    expect(await runCli(['pr', 'show', 'x'], { company: forge })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('AC_USAGE'),
    });
  });

  it('state exports and rebuilds', async () => {
    expect((await runCli(['state', 'export'], { company: company() })).stdout).toBe('{"runs":[]}\n');
    expect((await runCli(['state', 'rebuild'], { company: company() })).stdout).toBe('2 runs rebuilt\n');
  });
});

describe('home and projects', () => {
  it('C32 project add, list, show, remove', async () => {
    const home = homeWithProject();
    const folder = path.join(mkdtempSync(path.join(tmpdir(), 'repository-')), 'lib');
    execFileSync('git', ['init', '--quiet', '--initial-branch=trunk', folder]);
    expect(
      await runCli(['project', 'add', '--path', folder, '--verify', 'npm test', '--verify', 'npm run lint'], { home }),
    ).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('verify        npm run lint') });
    expect((await runCli(['project', 'list'], { home })).stdout).toMatch(
      /^PROJECT {2}BRANCH {2}SOURCE\ntool +main +https:\/\/example.org\/tool\nlib +trunk +\//,
    );
    expect(JSON.parse((await runCli(['project', 'show', 'lib', '--json'], { home })).stdout)).toMatchObject({
      version: 1,
      project: { default_branch: 'trunk' },
    });
    expect(await runCli(['project', 'add', '--path', folder], { home })).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining('AC_PROJECT_EXISTS'),
    });
    expect(await runCli(['project', 'add', '--url', 'file:///etc'], { home })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('AC_PROJECT_URL_REFUSED'),
    });
    expect((await runCli(['project', 'remove', 'lib'], { home })).stdout).toBe('lib removed\n');
    expect(await runCli(['project', 'show', 'lib'], { home })).toMatchObject({ exitCode: 4 });
  });

  it('init makes a home, and everything else names init where there is none', async () => {
    const folder = path.join(mkdtempSync(path.join(tmpdir(), 'init-')), 'company');
    expect(await runCli(['init', folder], { home: null })).toMatchObject({ exitCode: 0, stdout: `${folder}\n` });
    expect(existsSync(path.join(folder, 'runtime/state/instance.json'))).toBe(true);
    expect(await runCli(['status', '--home', folder], { home: null })).toMatchObject({ exitCode: 0 });
    expect(await runCli(['status'], { home: null })).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining('agentcompany init'),
    });
  });

  it('doctor gives one line a check, and 4 with remedies where one fails', async () => {
    // No worker image lies beside this test, so the chain breaks there at the latest.
    const whole = await runCli(['doctor']);
    expect(whole.exitCode).toBe(4);
    expect(whole.stdout).toMatch(/^(ok {6}[^\n]+\n){6}/);
    expect(whole.stdout).toMatch(/failed {2}worker image {6}AC_IMAGE_NOT_BUILT.*\n {8}cause: .*\n {8}remedy: /);
    const bad = await runCli(['doctor', '--json'], { environment: { AGENTCOMPANY_MAX_WORKERS: 'x' } });
    expect(bad.exitCode).toBe(4);
    expect(JSON.parse(bad.stdout)).toMatchObject({ version: 1, ok: false });
    expect(bad.stdout).toContain('"code":"AC_CONFIG_INVALID"');
  });
});
