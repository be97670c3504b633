import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planSchema, unwrap, type Plan, type Task } from '@agentcompany/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import type { RunView } from '../orchestrator/src/company-facade.ts';
import {
  git,
  openTestCompany,
  planOf,
  type TestCompany,
  type TestCompanyOptions,
} from './support/open-test-company.ts';

let test: TestCompany | null = null;
afterEach(async () => {
  await test?.dispose();
  test = null;
});

/** Runs a plan to where it stops by itself. */
async function outcome(plan: Plan, options: TestCompanyOptions = {}): Promise<RunView> {
  test = await openTestCompany({ flags: { max_attempts: 1, ...options.flags }, ...options });
  return outcomeIn(test, plan);
}

async function outcomeIn({ company }: TestCompany, plan: Plan): Promise<RunView> {
  const { runId } = unwrap(
    await company.submit({ projectId: 'app', instruction: 'Try', plan, settings: { max_attempts: 1 } }),
  );
  unwrap(await company.drive({ runs: [runId], signal: AbortSignal.timeout(100_000) }));
  return unwrap(await company.showRun(runId));
}

const good = { id: 'good', run: { command: 'echo good > good.txt' } } as const;

/** A bad task beside a good one: the bad one has its coded error, the good one's work is kept. */
function expectRestKept(run: RunView, state: string, code: string): void {
  const [bad, kept] = run.task_list;
  expect({ state: bad?.state, code: bad?.attempts.at(-1)?.error?.code }).toEqual({ state, code });
  expect(bad?.error?.remedy).toMatch(/\w/);
  expect(kept?.state).toBe('merged');
  expect(run.state).toBe('needs_attention');
  expect(run.error?.remedy).toMatch(/\w/);
}

const beside = (task: Partial<Task> & { run: Task['run'] }): Plan => planOf([{ id: 'bad', ...task }, good]);

describe('bad input ends in a named state with a coded error, the rest kept', () => {
  it('an empty instruction', async () => {
    test = await openTestCompany();
    const refused = await test.company.submit({ projectId: 'app', instruction: '  ', plan: planOf([good]) });
    expect(refused).toMatchObject({ ok: false, error: { code: 'AC_INSTRUCTION_EMPTY' } });
  });

  it('an unknown project', async () => {
    test = await openTestCompany();
    const refused = await test.company.submit({ projectId: 'nope', instruction: 'Try', plan: planOf([good]) });
    expect(refused).toMatchObject({ ok: false, error: { code: 'AC_PROJECT_UNKNOWN' } });
  });

  it('no plan and no model', async () => {
    test = await openTestCompany();
    const refused = await test.company.submit({ projectId: 'app', instruction: 'Try', plan: null });
    expect(refused).toMatchObject({ ok: false, error: { code: 'AC_MODEL_UNAVAILABLE' } });
  });

  it('a plan with a cycle', async () => {
    test = await openTestCompany();
    const tasks = [
      { ...good, id: 'a', title: 'A', depends_on: ['b'] },
      { ...good, id: 'b', title: 'B', depends_on: ['a'] },
    ];
    const refused = await test.company.submit({
      projectId: 'app',
      instruction: 'Try',
      plan: planSchema.parse({ title: 'Cycle', tasks }),
    });
    expect(refused).toMatchObject({ ok: false, error: { code: 'AC_PLAN_CYCLE' } });
  });

  it('an unreachable repository', async () => {
    test = await openTestCompany();
    renameSync(test.repository, `${test.repository}-gone`);
    const run = await outcomeIn(test, planOf([good]));
    expect({ state: run.state, code: run.error?.code }).toEqual({ state: 'failed', code: 'AC_GIT_UNREACHABLE' });
    expect(run.error?.remedy).toMatch(/\w/);
  });

  it('an empty repository', async () => {
    test = await openTestCompany();
    rmSync(test.repository, { recursive: true });
    mkdirSync(test.repository);
    git(test.repository, 'init', '-q', '--bare');
    const run = await outcomeIn(test, planOf([good]));
    expect({ state: run.state, code: run.error?.code }).toEqual({ state: 'failed', code: 'AC_REPOSITORY_EMPTY' });
  });

  it('a worker that exits without a commit', async () => {
    expectRestKept(await outcome(beside({ run: { command: 'true' } })), 'awaiting_person', 'AC_WORK_EMPTY');
  });

  it('a worker whose command fails', async () => {
    expectRestKept(await outcome(beside({ run: { command: 'exit 3' } })), 'awaiting_person', 'AC_WORK_FAILED');
  });

  it('a worker that prints rubbish on standard output', async () => {
    const run = await outcome(
      planOf([{ id: 'noisy', run: { command: 'head -c 3000000 /dev/urandom; echo noisy > noisy.txt' } }]),
    );
    expect(run.state).toBe('published');
  });

  it('a worker that writes rubbish into its door', async () => {
    const command =
      'for pid in $(ls /proc | grep -E "^[0-9]+$"); do head -c 100000 /dev/urandom > /proc/$pid/fd/1; done 2>/dev/null; sleep 5; echo x > x.txt';
    const run = await outcome(beside({ run: { command } }));
    expectRestKept(run, 'awaiting_person', 'AC_WORKER_GARBAGE');
  });

  it('a worker that hangs', async () => {
    expectRestKept(
      await outcome(beside({ run: { command: 'sleep 600' }, timeout: 2 })),
      'awaiting_person',
      'AC_WORK_TIMEOUT',
    );
  });

  it('a worker that runs out of memory', async () => {
    const script = 'const all = []; for (;;) all.push(Buffer.alloc(16 * 1024 * 1024, 1));';
    const run = await outcome(beside({ run: { script, interpreter: 'node' } }), {
      flags: { worker_memory_limit: '300m' },
    });
    expect(['AC_WORKER_MEMORY', 'AC_WORK_MEMORY']).toContain(run.task_list[0]?.attempts.at(-1)?.error?.code);
    expect(run.task_list[1]?.state).toBe('merged');
  });

  it('a verify that cannot start for want of a tool', async () => {
    const run = await outcome(beside({ run: { command: 'echo x > x.txt' }, verify: ['cargo-that-is-not-there test'] }));
    expectRestKept(run, 'failed', 'AC_VERIFY_UNAVAILABLE');
    expect(run.task_list[0]?.error?.remedy).toMatch(/image/);
  });

  it('a result outside the declared paths', async () => {
    test = await openTestCompany();
    const { runId } = unwrap(
      await test.company.submit({
        projectId: 'app',
        instruction: 'Try',
        plan: beside({ run: { command: 'echo x > elsewhere.txt' }, paths: ['src/**'] }),
        settings: { max_attempts: 1, max_review_rounds: 0 },
      }),
    );
    unwrap(await test.company.drive({ runs: [runId], signal: AbortSignal.timeout(100_000) }));
    const run = unwrap(await test.company.showRun(runId));
    expect(run.task_list.map((task) => [task.state, task.error?.code ?? null])).toEqual([
      ['awaiting_person', 'AC_REVIEW_ROUNDS'],
      ['merged', null],
    ]);
  });

  it.skipIf(process.getuid?.() !== 0)(
    'a full disk: refused with its code, nothing lost, and it goes on when there is room',
    async () => {
      const mount = mkdtempSync(join(tmpdir(), 'agentcompany-small-disk-'));
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', mount]);
      try {
        test = await openTestCompany({ homeFolder: join(mount, 'home') });
        const { runId } = unwrap(
          await test.company.submit({ projectId: 'app', instruction: 'Try', plan: planOf([good]) }),
        );
        const ballast = join(mount, 'ballast');
        fill(ballast);
        const refused = await test.company.submit({
          projectId: 'app',
          instruction: 'x'.repeat(60_000),
          plan: planOf([good]),
        });
        expect(refused).toMatchObject({ ok: false, error: { code: 'AC_BUS_FULL' } });
        rmSync(ballast);
        unwrap(await test.company.drive({ runs: [runId], signal: AbortSignal.timeout(100_000) }));
        expect(unwrap(await test.company.showRun(runId)).state).toBe('published');
      } finally {
        await test?.dispose();
        test = null;
        execFileSync('umount', [mount]);
        rmSync(mount, { recursive: true, force: true });
      }
    },
  );
});

/** Writes until the disk is full. */
function fill(file: string): void {
  const block = Buffer.alloc(4096);
  try {
    for (;;) writeFileSync(file, block, { flag: 'a' });
  } catch (cause) {
    expect(cause).toMatchObject({ code: 'ENOSPC' });
  }
}
