import { newId, unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { assertMergeTarget } from './protected-branch.ts';
import { createGitFixture, git, openNowhere, startRun } from './testing/git-fixture.ts';

const project = { defaultBranch: 'develop', integrationBranch: 'agents/integration' };

describe('the guard of merges and pushes', () => {
  it.each([
    'main',
    'master',
    'refs/heads/main',
    'heads/master',
    '+main',
    'x:main',
    'x:refs/heads/master',
    'Main',
    'MASTER',
    ' main ',
    'develop',
    'refs/heads/develop',
    'Develop',
    'refs/remotes/origin/develop',
    'HEAD',
    'release',
    'refs/heads/release',
    'refs/agentcompany/runs/../../heads/main',
    'refs/agentcompany/runs/',
    '',
  ])('C22 refuses a merge into %j', (target) => {
    expect(assertMergeTarget(target, project)).toMatchObject({ error: { code: 'AC_MERGE_TARGET_PROTECTED' } });
  });

  it.each(['agents/integration', 'refs/heads/agents/integration', `refs/agentcompany/runs/${newId()}`])(
    'C22 allows a merge into %s',
    (target) => expect(assertMergeTarget(target, project)).toMatchObject({ ok: true }),
  );

  it('C22 refuses an integration branch that is the default branch', () => {
    const same = { defaultBranch: 'develop', integrationBranch: 'develop' };
    expect(assertMergeTarget('develop', same)).toMatchObject({ error: { code: 'AC_MERGE_TARGET_PROTECTED' } });
    const main = { defaultBranch: 'develop', integrationBranch: 'main' };
    expect(assertMergeTarget('main', main)).toMatchObject({ error: { code: 'AC_MERGE_TARGET_PROTECTED' } });
  });

  it.each(['main', 'develop', 'Develop', 'refs/heads/main', '+main', 'agent/x:main', 'release', 'agents/x'])(
    'C22 refuses a push to %j before git is started',
    async (branch) => {
      const { repositories, calls } = openNowhere({ protectedBranches: ['develop'] });
      const pushed = await repositories.push({ runId: 'run', oid: '1'.repeat(40), branch });
      expect(pushed).toMatchObject({ error: { code: 'AC_PUSH_PROTECTED' } });
      expect(calls).toEqual([]);
    },
  );

  it('C22 refuses to push to what the remote says is its default branch', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    git(fixture.source, ['checkout', '--quiet', '-b', 'agent/default']);
    const pushed = await repositories.push({ runId, oid: base, branch: 'agent/default' });
    expect(pushed).toMatchObject({ error: { code: 'AC_PUSH_PROTECTED' } });
    expect(unwrap(await repositories.runTip(runId))).toBe(base);
  });
});
