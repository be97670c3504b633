import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { orchestratorErrors } from '@agentcompany/orchestrator/errors';
import { loadPlanFile } from '@agentcompany/orchestrator/plan-file';
import { failure, success, unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { FakeCompany, sketchTask } from '../testing/fake-company.ts';
import { homeWithProject, runCli } from '../testing/run-cli.ts';

const planText =
  'title: Name the license\ntasks:\n  - {id: first, title: Do it, run: {command: "true"}}\n  - {id: second, title: Then that, depends_on: [first], run: {command: "true"}}\n';
const pullRequest = { number: 1, url: 'file:///forge/1', branch: 'agent/0198-name-the-license', base: 'main' };

function planFile(): string {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'plan-')), 'plan.yaml');
  writeFileSync(file, planText);
  return file;
}

/** A company whose engine publishes what was submitted. */
function publishing(): FakeCompany {
  const company = new FakeCompany();
  company.onDrive = async () => {
    const [runId = ''] = company.runs.keys();
    company.record(runId, 'attempt_started', { slot: 'worker-001', round: 1 }, 'first');
    company.record(runId, 'task_progress', { message: 'working\u001b[2J\u202e' }, 'first');
    company.record(runId, 'timer_due', {}, 'first');
    company.record(runId, 'run_state', { to: 'published', reason: 'pull request opened', error: null });
    company.change(runId, {
      state: 'published',
      pull_request: pullRequest,
      task_list: [sketchTask('first', 'merged')],
      tasks: { merged: 1 },
    });
    return success();
  };
  return company;
}

describe('run', () => {
  it('C32 submits, works, shows the timeline, and ends with the pull request', async () => {
    const { exitCode, stdout, stderr, company } = await runCli(
      ['run', 'Name the license everywhere', '--project', 'tool', '--plan', planFile()],
      { company: publishing() },
    );
    expect(exitCode).toBe(0);
    expect(company.submitted[0]).toMatchObject({
      projectId: 'tool',
      instruction: 'Name the license everywhere',
      plan: { title: 'Name the license' },
    });
    expect(stdout).toContain('started on worker-001, round 1');
    expect(stdout).toContain('working\n');
    expect(stdout).not.toMatch(/(?!\n)\p{Cc}|\u202e/u);
    expect(stdout).toContain(
      'pull request  #1 file:///forge/1\nbranch        agent/0198-name-the-license\nchanges       agentcompany pr show 1 --project tool\n',
    );
    expect(stdout.match(/started on worker-001/g)).toHaveLength(1);
    expect(stderr).toMatch(/^Run [0-9a-f-]{18}; to follow: `agentcompany watch [0-9a-f-]{18}`\n/);
    expect(company.closed).toBe(true);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('C32 execute is run, and the title of the plan is the instruction where none is given', async () => {
    const { exitCode, company } = await runCli(['execute', '--plan', planFile()], { company: publishing() });
    expect(exitCode).toBe(0);
    expect(company.submitted[0]?.instruction).toBe('Name the license');
  });

  it('--json prints one document a line, the run last', async () => {
    const { stdout } = await runCli(['run', 'do it all', '--json'], { company: publishing() });
    const documents = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(documents.map((document) => document.envelope?.envelope_type ?? document.run.state)).toEqual([
      'task_submit',
      'attempt_started',
      'task_progress',
      'timer_due',
      'run_state',
      'published',
    ]);
  });

  it('on a terminal redraws what is under way and leaves nothing of it', async () => {
    const { stdout } = await runCli(['run', 'do it all'], {
      company: publishing(),
      isTerminal: true,
      environment: { TERM: 'xterm' },
    });
    expect(stdout).toContain('\u001b[0J');
    expect(stdout.lastIndexOf('\u001b[0J')).toBeLessThan(stdout.indexOf('pull request  #1'));
  });

  it('reads the instruction or the plan from standard input, not both', async () => {
    const instruction = await runCli(['run', '-', '--detach'], { stdin: '  do it all\n' });
    expect(instruction.company.submitted[0]?.instruction).toBe('do it all');
    const plan = await runCli(['run', '--plan', '-', '--detach'], { stdin: planText });
    expect(plan.company.submitted[0]?.plan?.tasks).toHaveLength(2);
    expect(await runCli(['run', '-', '--plan', '-'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('not both'),
    });
  });

  it.each([
    ['status', 'agentcompany status'],
    ['Cancel', 'agentcompany cancel'],
    ['execute', 'agentcompany run'],
    ['list', 'agentcompany project list'],
    ['help', 'agentcompany --help'],
  ])('C32 refuses the one-word instruction %s with the right command', async (word, command) => {
    const { exitCode, stderr, company } = await runCli(['run', word, '--project', 'tool']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('error AC_INSTRUCTION_IS_COMMAND');
    expect(stderr).toContain(`Run \`${command}\``);
    expect(company.submitted).toEqual([]);
  });

  it.each([
    [['run', ' '], 2, 'AC_INSTRUCTION_EMPTY'],
    [['run'], 2, 'AC_INSTRUCTION_EMPTY'],
    [['run', 'do it', '--project', 'tol'], 4, 'AC_PROJECT_UNKNOWN: there is no project tol, did you mean tool?'],
    [['run', 'do it', '--plan', '/absent.yaml'], 2, 'AC_PLAN_UNREADABLE'],
    [['run', 'do it', '--dry-run'], 4, 'AC_MODEL_UNAVAILABLE'],
    [['run', 'do it', '--timeout', '0'], 2, 'AC_USAGE'],
    [['run', 'do it', '--wait', '--detach'], 2, 'AC_USAGE'],
    [['run', 'do it', '--max-workers', '1000'], 4, 'AC_CONFIG_INVALID: the configuration is not valid: max_workers'],
  ])('refuses %j', async (words, code, text) => {
    const { exitCode, stderr, company } = await runCli(words);
    expect([exitCode, stderr]).toEqual([code, expect.stringContaining(text)]);
    expect(stderr).toContain('  remedy: ');
    expect(company.submitted).toEqual([]);
  });

  it('--dry-run shows the plan and starts nothing', async () => {
    const { exitCode, stdout, company } = await runCli(['run', '--plan', planFile(), '--dry-run']);
    expect([exitCode, company.submitted]).toEqual([0, []]);
    expect(stdout).toContain('second  first  Then that');
  });

  it('--dry-run without a plan file shows what the model plans and what that took', async () => {
    const company = new FakeCompany();
    const plan = unwrap(loadPlanFile(planFile()));
    const call = {
      provider: 'openai',
      model: 'm',
      usage: { input: 900, output: 90, cache_read: 10, cache_write: 0 },
    } as const;
    company.drafted = { plan, calls: [{ ...call, cost_usd: 0.25 }] };
    const priced = await runCli(['run', 'do it', '--dry-run'], { company });
    expect([priced.exitCode, company.submitted]).toEqual([0, []]);
    expect(priced.stdout).toContain('second  first  Then that');
    expect(priced.stderr).toContain('1 call, 1000 tokens, $0.2500');
    company.drafted = {
      plan,
      calls: [
        { ...call, cost_usd: 0.25 },
        { ...call, cost_usd: null },
      ],
    };
    const unpriced = await runCli(['run', 'do it', '--dry-run', '--json'], { company });
    expect(unpriced.stderr).toContain('2 calls, 2000 tokens, unpriced');
    expect(JSON.parse(unpriced.stdout)).toMatchObject({ plan: { tasks: [{ id: 'first' }, { id: 'second' }] } });
  });

  it('--detach prints the id alone and says who will do the work', async () => {
    const { stdout, stderr, company } = await runCli([
      'run',
      'do it all',
      '--detach',
      '--approve-plan',
      '--on-failure',
      'partial',
      '--idempotency-key',
      'k',
      '--budget',
      '0.5',
      '--budget-tokens',
      '9000',
    ]);
    expect(stdout).toBe(`${[...company.runs.keys()][0]}\n`);
    expect(stderr).toContain('agentcompany resume');
    expect(company.submitted[0]).toMatchObject({
      idempotencyKey: 'k',
      settings: {
        budget_usd: 0.5,
        budget_tokens: 9000,
        on_failure: 'partial',
        approvals: { plan: 'person', protected_paths: 'person' },
      },
    });
  });

  it.each([
    ['failed', 5, 'AC_RUN_NOT_SUCCESSFUL', null],
    ['cancelled', 5, 'AC_RUN_NOT_SUCCESSFUL', null],
    ['needs_attention', 6, 'agentcompany resume', null],
    ['awaiting_approval', 6, 'agentcompany approve', null],
    ['completed', 0, '', null],
    [
      'failed',
      7,
      'cause: AC_BUDGET_SPENT',
      { code: 'AC_BUDGET_SPENT', message: 'no money left', cause: null, remedy: 'Raise it.', retry: 'never' as const },
    ],
  ])('a run that ends %s gives exit code %i', async (state, code, text, error) => {
    const company = new FakeCompany();
    company.onDrive = async () => {
      company.change([...company.runs.keys()][0] ?? '', { state, error });
      return success();
    };
    const { exitCode, stderr } = await runCli(['run', 'do it all'], { company });
    expect([exitCode, stderr]).toEqual([code, expect.stringContaining(text)]);
  });

  it.each([
    ['failed', 'failed\n  cause: AC_X: why\n  remedy: Push first. `agentcompany runs show '],
    ['cancelled', 'was cancelled\n  remedy: `agentcompany runs show '],
  ])('the end of a run that %s says what to do about it', async (state, text) => {
    const company = new FakeCompany();
    const error = { code: 'AC_X', message: 'why', cause: null, remedy: 'Push first.', retry: 'never' as const };
    company.onDrive = async () => {
      company.change([...company.runs.keys()][0] ?? '', { state, error });
      return success();
    };
    expect((await runCli(['run', 'do it all'], { company })).stderr).toContain(text);
  });

  it('a run whose tasks wait for an approval needs a person, and names the command', async () => {
    const company = new FakeCompany();
    const approval = {
      approval_id: 'a',
      subject: 'protected_paths' as const,
      task_id: 'first',
      hash: 'h',
      expires_at: '2026-11-21T12:00:00.000Z',
      summary: 'ci.yml',
      details: [],
    };
    company.onDrive = async () => {
      const [runId = ''] = company.runs.keys();
      company.record(runId, 'approval_request', approval, 'first');
      const tasks = [sketchTask('first', 'awaiting_person'), sketchTask('second', 'pending')];
      company.change(runId, { state: 'running', approvals: [approval], task_list: tasks });
      return success();
    };
    const { exitCode, stdout, stderr } = await runCli(['run', 'do it all'], { company });
    expect(exitCode).toBe(6);
    expect(stdout).toMatch(/needs your approval: ci\.yml\n {10}agentcompany approve [0-9a-f-]{18}\n/);
    expect(stderr).toMatch(/AC_RUN_NEEDS_PERSON.*\n.*agentcompany approve/s);
  });

  it('watches where another process is the engine', async () => {
    const company = new FakeCompany();
    company.pid = 4711;
    const done = runCli(['run', 'do it all'], { company });
    await expect.poll(() => company.calls.length).toBe(1);
    const [runId = ''] = company.runs.keys();
    company.change(runId, { state: 'published', pull_request: pullRequest });
    company.record(runId, 'run_state', { to: 'published', reason: '', error: null });
    const { exitCode, stderr, stdout } = await done;
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('(pid 4711); watching')]);
    expect(stdout).toContain('pull request  #1');
  });

  it('takes over when the engine it watches ends before the run does', async () => {
    const company = new FakeCompany();
    company.pid = 4711;
    company.onDrive = async () => {
      const [runId = ''] = company.runs.keys();
      company.change(runId, { state: 'published', pull_request: pullRequest });
      return success();
    };
    const done = runCli(['run', 'do it all'], { company });
    await expect.poll(() => company.calls.length).toBe(1);
    company.pid = null;
    const { exitCode, stdout } = await done;
    expect([exitCode, company.calls.length]).toEqual([0, 2]);
    expect(stdout).toContain('pull request  #1');
  });

  it('--timeout refuses what no timer can hold', async () => {
    const { exitCode, stderr } = await runCli(['run', 'do it all', '--timeout', '2147484'], {});
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('At most 2147483 seconds')]);
  });

  it('--timeout stops the work and exits 124', async () => {
    const company = new FakeCompany();
    company.onDrive = (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(success())));
    const { exitCode, stderr } = await runCli(['run', 'do it all', '--timeout', '1'], { company });
    expect([exitCode, stderr]).toEqual([124, expect.stringContaining('AC_TIMEOUT')]);
  });

  it('Ctrl-C stops in order and says how to go on; twice cancels without waiting', async () => {
    const once = new FakeCompany();
    let press = (): void => undefined;
    once.onDrive = (signal) => {
      signal.addEventListener('abort', () => once.calls.push('stopped'));
      queueMicrotask(() => press());
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(success())));
    };
    const first = await runCli(['run', 'do it all'], {
      company: once,
      interruptible: (interrupt) => (press = interrupt),
    });
    expect([first.exitCode, first.stderr]).toEqual([
      130,
      expect.stringMatching(/Go on with `agentcompany resume [0-9a-f-]{18}`/),
    ]);
    expect(once.calls).toEqual([expect.stringContaining('drive'), 'stopped']);

    const twice = new FakeCompany();
    twice.onDrive = () => {
      queueMicrotask(() => (press(), press()));
      return new Promise(() => undefined);
    };
    const second = await runCli(['run', 'do it all'], {
      company: twice,
      interruptible: (interrupt) => (press = interrupt),
    });
    expect([second.exitCode, twice.calls.at(-1)]).toEqual([
      130,
      expect.stringContaining('cancel (Ctrl-C pressed twice)'),
    ]);
  });

  it('passes on what keeps the engine from working', async () => {
    const company = new FakeCompany();
    company.onDrive = async () =>
      failure({
        code: 'AC_ENGINE_ABSENT',
        message: 'no container engine',
        cause: 'ENOENT',
        remedy: 'Install one.',
        retry: 'never',
      });
    const { exitCode, stderr } = await runCli(['run', 'do it all'], { company });
    expect([exitCode, stderr]).toEqual([
      4,
      expect.stringContaining('error AC_ENGINE_ABSENT: no container engine\n  cause: ENOENT\n  remedy: Install one.\n'),
    ]);
    company.submit = async () => failure(orchestratorErrors.AC_MODEL_UNAVAILABLE({ detail: 'none' }));
    expect(await runCli(['run', 'do it all'], { company })).toMatchObject({ exitCode: 4 });
  });

  it('takes the only project, and asks where there are more or none', async () => {
    const home = homeWithProject();
    expect(await runCli(['run', 'do it all', '--detach'], { home })).toMatchObject({ exitCode: 0 });
    await runCli(['project', 'add', '--url', 'https://example.org/other'], { home });
    expect(await runCli(['run', 'do it all', '--detach'], { home })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('2 projects'),
    });
  });
});
