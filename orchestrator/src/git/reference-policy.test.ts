import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { attemptReference, judgeBranch, judgeObjectName, runReference } from './reference-policy.ts';
import { createGitFixture, openNowhere, startRun, workerResult } from './testing/git-fixture.ts';

const hostile = [
  '--output=x',
  '-x',
  '$(id)',
  'x$(id)`id`;id',
  'a..b',
  'refs/heads/x:refs/heads/main',
  'x:main',
  '+main',
  'a'.repeat(300),
  '',
  'refs/heads/x',
  'a//b',
  'a/',
  '/a',
  'a/.b',
  'a.lock',
  'a.lock/b',
  'a.',
  'a b',
  'a~1',
  'a^',
  'a?',
  'a*',
  'a[b',
  'a\\b',
  'a@{1}',
  'a\u0000',
  'a\nb',
  'a/-b',
  'HEAD',
  '1'.repeat(40),
  '\u202ea',
] as const;

describe('the policy of references', () => {
  it.each(hostile)('S31 refuses the branch %j before git is started', async (branch) => {
    const { repositories, calls } = openNowhere();
    expect(await repositories.branchTip(branch)).toMatchObject({ ok: false, error: { code: 'AC_BRANCH_REFUSED' } });
    const pushed = await repositories.push({ runId: 'run', oid: '1'.repeat(40), branch });
    expect(pushed.ok ? '' : pushed.error.code).toMatch(/^(?:AC_BRANCH_REFUSED|AC_PUSH_PROTECTED)$/);
    expect(calls).toEqual([]);
  });

  it('accepts ordinary branches', () => {
    for (const branch of ['main', 'release/1.0', 'feature/a_b-c.d', 'a'.repeat(201)])
      expect(judgeBranch(branch).ok).toBe(true);
  });

  it('refuses ids and object names that are not ours', () => {
    for (const id of ['../x', '-x', 'a/b', '', 'a.lock', 'x'.repeat(102)]) {
      expect(runReference(id).ok).toBe(false);
      expect(attemptReference(id).ok).toBe(false);
    }
    for (const oid of ['HEAD', '-1', '1'.repeat(39), 'A'.repeat(40), '--all'])
      expect(judgeObjectName(oid).ok).toBe(false);
  });

  it('S31 shows no argument from outside that begins with a hyphen, whatever titles and paths say', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    const title = '--output=/tmp/from-outside';
    const request = workerResult(fixture, base, { '--output=from-outside': 'x\n', '-from-outside': 'y\n' }, { title });
    const { commit } = unwrap(await repositories.ingest(request));
    unwrap(await repositories.merge({ runId, attemptId: request.attemptId, commit, title }));
    unwrap(await repositories.conflictMarkers(commit, ['--output=from-outside', '-from-outside']));
    unwrap(await repositories.diffStat(base, commit));
    unwrap(await repositories.push({ runId, oid: unwrap(await repositories.runTip(runId)), branch: 'agent/x' }));
    const argumentList = fixture.calls.flat();
    expect(argumentList.length).toBeGreaterThan(100);
    expect(argumentList.filter((argument) => argument.includes('from-outside'))).toEqual([]);
  });
});
