import type { WorkerView } from '@agentcompany/orchestrator';
import { failure, success } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { FakeCompany, sketchTask } from '../testing/fake-company.ts';
import { runCli } from '../testing/run-cli.ts';

const run = '0198c5f2-1111-7000-8000-000000000001';
const error = { code: 'AC_X', message: 'm', cause: 'c\u001b[2J', remedy: 'r', retry: 'later' } as const;

function worker(slot: string, more: Partial<WorkerView> = {}): WorkerView {
  return {
    attempt_id: `${slot}-attempt`,
    host_id: 'host-a',
    slot,
    state: 'working',
    started_at: '2026-11-20T12:00:00.000Z',
    run_id: run,
    task_id: 'license',
    title: 'Name the \u001b[31mlicense',
    ...more,
  };
}

function atWork(...workers: readonly WorkerView[]): FakeCompany {
  const attempt = {
    ...worker('worker-001'),
    attempt_id: 'worker-001-attempt',
    round: 1,
    state: 'rejected',
    ended_at: '2026-11-20T12:02:00.000Z',
    error,
    cost: null,
  };
  const company = new FakeCompany({
    run_id: run,
    task_list: [sketchTask('license', 'running', { attempts: [attempt] })],
  });
  company.workers = { workers, set_aside: [] };
  return company;
}

describe('workers', () => {
  it('are listed with their task, and can do nothing to the terminal', async () => {
    const { stdout, exitCode } = await runCli(['workers'], { company: atWork(worker('worker-001')) });
    expect([exitCode, stdout.split('\n')]).toEqual([
      0,
      [
        'WORKER      STATE    SINCE     RUN                 TASK',
        'worker-001  working  12:00:00  0198c5f2-1111-7000  license: Name the license',
        '',
      ],
    ]);
  });

  it('C15 show what is set aside, why, and until when', async () => {
    const company = atWork();
    const times = { since: '2026-11-20T12:00:00.000Z', until: '2026-11-20T12:00:30.000Z' };
    company.workers = { workers: [], set_aside: [{ subject: 'image x', host_id: 'host-a', error, ...times }] };
    const { stdout, stderr } = await runCli(['workers'], { company });
    expect([stderr, stdout]).toEqual([
      'Nobody is at work.\n',
      '\nimage x is set aside until 12:00:30 UTC\n  AC_X: m\n  cause: c\n  remedy: r\n',
    ]);
    const json = await runCli(['workers', '--json'], { company });
    expect(JSON.parse(json.stdout)).toMatchObject({ version: 1, workers: [], set_aside: [{ subject: 'image x' }] });
  });
});

describe('attach', () => {
  it('shows what a worker says line by line, and how its attempt ended', async () => {
    const company = atWork(worker('worker-001'), worker('worker-002'));
    company.logPieces = [success('worker: cl'), success('one\nred \u001b[2Jtext\nla'), success('st')];
    const { stdout, stderr, exitCode } = await runCli(['attach', 'worker-001'], { company });
    expect([exitCode, stdout]).toEqual([0, 'worker: clone\nred text\nlast\n']);
    expect(company.calls).toContain(`follow ${run} worker-001-attempt`);
    expect(stderr.split('\n')).toEqual([
      'worker-001: Name the license, task license of run 0198c5f2-1111-7000',
      'Read-only; Ctrl-C leaves the worker alone.',
      'worker-001: the attempt is rejected: AC_X',
      '',
    ]);
  });

  it('says who is at work where nobody is called so, and asks which where several are', async () => {
    const company = atWork(worker('worker-001'), worker('worker-001', { attempt_id: 'beef', host_id: 'host-b' }));
    const unknown = await runCli(['attach', 'worker-009'], { company });
    expect([unknown.exitCode, unknown.stderr]).toEqual([1, expect.stringContaining('AC_WORKER_UNKNOWN')]);
    const several = await runCli(['attach', 'worker-001'], { company });
    expect([several.exitCode, several.stderr]).toEqual([1, expect.stringContaining('beef on host-b')]);
    expect((await runCli(['attach', 'beef'], { company })).exitCode).toBe(0);
  });

  it('ends at an interrupt and leaves the worker alone', async () => {
    const company = atWork(worker('worker-001'));
    company.isLogEndless = true;
    const { exitCode, stderr } = await runCli(['attach', 'worker-001'], {
      company,
      interruptible: (interrupt) => setImmediate(interrupt),
    });
    expect([exitCode, stderr]).toEqual([130, expect.stringContaining('the worker itself is left alone')]);
  });
});

describe('logs --follow', () => {
  it('prints lines as they come, as JSON for programs, and says what is wrong', async () => {
    const company = atWork();
    company.logPieces = [success('one\ntwo\n')];
    const json = await runCli(['logs', run, '--task', 'license', '-f', '--json'], { company });
    expect(
      json.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { version: 1, line: 'one' },
      { version: 1, line: 'two' },
    ]);
    expect(company.calls).toContain(`follow ${run} license`);
    company.logPieces = [failure(error)];
    expect(await runCli(['logs', run, '-f'], { company })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('AC_X'),
    });
  });
});
