import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { commitAll, createGitFixture, git, startRun, workerResult, writeFiles } from './testing/git-fixture.ts';

describe('pushes', () => {
  it('S38 pushes one explicit refspec with a lease, and later work of the run on top', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    unwrap(await repositories.push({ runId, oid: base, branch: 'agent/x' }));
    const call = fixture.calls.findLast(([command]) => command === 'push') ?? [];
    expect(call).toContain('--force-with-lease=refs/heads/agent/x:');
    expect(call.slice(-3)).toEqual(['--end-of-options', fixture.source, `${base}:refs/heads/agent/x`]);
    const request = workerResult(fixture, base, { 'a.txt': 'x\n' });
    const { commit } = unwrap(await repositories.ingest(request));
    unwrap(await repositories.merge({ runId, attemptId: request.attemptId, commit, title: 'x' }));
    const oid = unwrap(await repositories.runTip(runId));
    unwrap(await repositories.push({ runId, oid, branch: 'agent/x' }));
    expect(git(fixture.source, ['rev-parse', 'agent/x'])).toBe(oid);
    unwrap(await repositories.push({ runId, oid: base, branch: 'agent/x' }));
    expect(git(fixture.source, ['rev-parse', 'agent/x'])).toBe(oid);
  });

  it('S38 never overwrites work that others put on the branch', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    git(fixture.source, ['checkout', '--quiet', '-b', 'agent/x']);
    writeFiles(fixture.source, { 'a.txt': 'foreign\n' });
    const foreign = commitAll(fixture.source);
    git(fixture.source, ['checkout', '--quiet', 'main']);
    const pushed = await repositories.push({ runId, oid: base, branch: 'agent/x' });
    expect(pushed).toMatchObject({ error: { code: 'AC_PUSH_REFUSED' } });
    expect(git(fixture.source, ['rev-parse', 'agent/x'])).toBe(foreign);
    expect(fixture.calls.filter(([command]) => command === 'push')).toEqual([]);
  });

  it('S38 never forces: a branch that moves between the look and the push stays as others left it', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    writeFiles(fixture.source, { 'a.txt': 'foreign\n' });
    git(fixture.source, ['checkout', '--quiet', '--detach']);
    const foreign = commitAll(fixture.source);
    git(fixture.source, ['checkout', '--quiet', 'main']);
    const racing = fixture.open({
      onArguments: ([command]) => {
        if (command === 'push') git(fixture.source, ['branch', 'agent/x', foreign]);
      },
    });
    const pushed = await racing.push({ runId, oid: base, branch: 'agent/x' });
    expect(pushed).toMatchObject({ error: { code: 'AC_PUSH_OVERTAKEN', retry: 'later' } });
    expect(await repositories.push({ runId, oid: base, branch: 'agent/x' })).toMatchObject({
      error: { code: 'AC_PUSH_REFUSED' },
    });
    expect(git(fixture.source, ['rev-parse', 'agent/x'])).toBe(foreign);
    expect(unwrap(await repositories.runTip(runId))).toBe(base);
  });

  it('S39 may push again where an earlier push, killed with its engine, is still at work at the far end', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    const lock = path.join(git(fixture.source, ['rev-parse', '--absolute-git-dir']), 'refs/heads/agent/x.lock');
    mkdirSync(path.dirname(lock), { recursive: true });
    writeFileSync(lock, '');
    const first = await repositories.push({ runId, oid: base, branch: 'agent/x' });
    expect(first).toMatchObject({ error: { code: 'AC_PUSH_OVERTAKEN', retry: 'later' } });
    rmSync(lock);
    unwrap(await repositories.push({ runId, oid: base, branch: 'agent/x' }));
    expect(git(fixture.source, ['rev-parse', 'agent/x'])).toBe(base);
  });

  it('S38 never pushes to the default branch, by its name or because the remote calls it so', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    git(fixture.source, ['checkout', '--quiet', '-b', 'agent/default']);
    for (const branch of ['main', 'refs/heads/main', 'agent/default'])
      expect(await repositories.push({ runId, oid: base, branch })).toMatchObject({
        error: { code: expect.stringMatching(/^AC_(PUSH_PROTECTED|BRANCH_REFUSED)$/) },
      });
    expect(fixture.calls.filter(([command]) => command === 'push')).toEqual([]);
  });

  it('C33 names the remedy where the remote refuses, and keeps the branch', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    const request = workerResult(fixture, base, { 'a.txt': 'x\n'.repeat(200) });
    const { commit } = unwrap(await repositories.ingest(request));
    unwrap(await repositories.merge({ runId, attemptId: request.attemptId, commit, title: 'x' }));
    git(fixture.source, ['config', 'receive.maxInputSize', '1']);
    const oid = unwrap(await repositories.runTip(runId));
    const pushed = await repositories.push({ runId, oid, branch: 'agent/x' });
    expect(pushed).toMatchObject({ error: { code: 'AC_PUSH_REFUSED', retry: 'never' } });
    expect(JSON.stringify(pushed)).toContain('read-only');
    expect(unwrap(await repositories.runTip(runId))).toBe(oid);
  });

  it('pushes nothing that is not on the run branch', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    const { commit } = unwrap(await repositories.ingest(workerResult(fixture, base, { 'a.txt': 'x\n' })));
    const pushed = await repositories.push({ runId, oid: commit, branch: 'agent/x' });
    expect(pushed.ok).toBe(false);
    expect(git(fixture.source, ['branch', '--list', 'agent/*'])).toBe('');
  });
});
