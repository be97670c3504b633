import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCompanyLazily, readRunsLazily } from './company-source.ts';
import { runCli, type CliResult } from './testing/run-cli.ts';

/** A folder that becomes a home, and a repository with one commit. */
function folders(): { readonly home: string; readonly repository: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'whole-cli-'));
  const repository = path.join(folder, 'app');
  const git = (...words: string[]): void =>
    void execFileSync('git', ['-C', repository, '-c', 'user.name=Test', '-c', 'user.email=test@example.com', ...words]);
  execFileSync('git', ['init', '--quiet', '--initial-branch=main', repository]);
  writeFileSync(path.join(repository, 'README.md'), '# App\n');
  git('add', '-A');
  git('commit', '--quiet', '-m', 'First commit');
  return { home: path.join(folder, 'home'), repository };
}

const planFile = path.join(import.meta.dirname, '../../../docs/examples/plan.yaml');

describe('the command line with the real company', () => {
  it('C32 init, project add, run --detach, status, show, pause, cancel, export and rebuild', async () => {
    const { home, repository } = folders();
    const call = (...words: string[]): Promise<CliResult> =>
      runCli([...words, '--home', home], { home: null, openCompany: openCompanyLazily, readRuns: readRunsLazily });
    expect(await call('init')).toMatchObject({ exitCode: 0, stdout: `${home}\n` });
    expect(await call('project', 'add', '--path', repository)).toMatchObject({ exitCode: 0 });

    const submitted = await call(
      'run',
      'Name the license',
      '--project',
      'app',
      '--plan',
      planFile,
      '--detach',
      '--idempotency-key',
      'k',
    );
    expect(submitted).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('No engine is at work') });
    const runId = submitted.stdout.trim();
    expect(
      (
        await call(
          'run',
          'Name the license',
          '--project',
          'app',
          '--plan',
          planFile,
          '--detach',
          '--idempotency-key',
          'k',
        )
      ).stdout.trim(),
    ).toBe(runId);

    expect(JSON.parse((await call('status', '--json')).stdout)).toMatchObject({
      engine: { pid: null },
      total_runs: 1,
      open_runs: [{ run_id: runId, project_id: 'app' }],
    });
    expect(JSON.parse((await call('runs', 'show', runId.slice(0, 13), '--json')).stdout)).toMatchObject({
      run: { run_id: runId, instruction: 'Name the license' },
    });
    expect(await call('pause', runId)).toMatchObject({ exitCode: 0 });
    expect(await call('cancel', runId, '--reason', 'enough')).toMatchObject({ exitCode: 0 });
    expect(JSON.parse((await call('status', '--json')).stdout)).toMatchObject({
      open_runs: [{ run_id: runId, state: 'cancelling' }],
    });
    expect(await call('approve', runId)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('AC_APPROVAL_NONE'),
    });
    expect(await call('pr', 'list')).toMatchObject({ exitCode: 0, stderr: 'No pull requests.\n' });

    const before = (await call('state', 'export')).stdout;
    expect((await call('state', 'rebuild')).stdout).toBe('1 run rebuilt\n');
    expect((await call('state', 'export')).stdout).toBe(before);
    expect(before).toContain(runId);
  });

  it('refuses a run without plan and model with the way out, and leaves nothing behind', async () => {
    const { home, repository } = folders();
    const call = (...words: string[]): Promise<CliResult> =>
      runCli([...words, '--home', home], { home: null, openCompany: openCompanyLazily, readRuns: readRunsLazily });
    await call('init');
    await call('project', 'add', '--path', repository);
    expect(await call('run', 'do it all')).toMatchObject({
      exitCode: 4,
      stderr: expect.stringMatching(/AC_MODEL_UNAVAILABLE.*\n.*--plan FILE/s),
    });
    expect(JSON.parse((await call('runs', 'list', '--json')).stdout)).toEqual({ version: 1, runs: [] });
  });
});
