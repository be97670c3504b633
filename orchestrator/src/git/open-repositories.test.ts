import { newId, unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { createGitFixture, git, startRun, workerResult } from './testing/git-fixture.ts';

describe('the git side of a project', () => {
  it('takes two results through ingest, merges and a push', async () => {
    using fixture = createGitFixture({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
    const { repositories, runId, base } = await startRun(fixture);
    for (const name of ['a.txt', 'b.txt']) {
      const request = workerResult(fixture, base, { [name]: 'changed\n' }, { title: `Change ${name}` });
      const ingested = unwrap(await repositories.ingest(request));
      expect(ingested).toMatchObject({ base_oid: base, insertions: 1, deletions: 1, protected_paths: [] });
      expect(ingested.changes).toEqual([{ path: name, status: 'M', old_mode: '100644', new_mode: '100644' }]);
      const { attemptId, title } = request;
      const merged = unwrap(await repositories.merge({ runId, attemptId, commit: ingested.commit, title }));
      expect(merged.outcome).toBe('merged');
    }
    const oid = unwrap(await repositories.runTip(runId));
    unwrap(await repositories.push({ runId, oid, branch: 'agent/0198c5-change' }));
    expect(git(fixture.source, ['show', 'agent/0198c5-change:a.txt'])).toBe('changed');
    expect(git(fixture.source, ['show', 'agent/0198c5-change:b.txt'])).toBe('changed');
    expect(git(fixture.source, ['rev-parse', 'main'])).toBe(base);
    expect(git(fixture.mirrorFolder, ['fsck', '--strict'])).not.toContain('error');
  });

  it('is idempotent: every step repeated by a second process answers the same', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    const request = workerResult(fixture, base, { 'new.txt': 'text\n' });
    const first = unwrap(await repositories.ingest(request));
    const again = fixture.open();
    expect(unwrap(await again.ingest(request))).toEqual(first);
    const merge = { runId, attemptId: request.attemptId, commit: first.commit, title: request.title };
    const merged = unwrap(await repositories.merge(merge));
    expect(unwrap(await again.merge(merge))).toEqual(merged);
    const oid = unwrap(await again.runTip(runId));
    unwrap(await again.createRunBranch(runId, base));
    expect(unwrap(await again.runTip(runId))).toBe(oid);
    unwrap(await repositories.push({ runId, oid, branch: 'agent/x' }));
    fixture.steps.length = 0;
    unwrap(await again.push({ runId, oid, branch: 'agent/x' }));
    expect(fixture.steps).toEqual([]);
  });

  it('lists the files of a commit and reads their texts, and nothing else', async () => {
    using fixture = createGitFixture({
      'a b.txt': 'text\n',
      'src/é.ts': 'x',
      'logo.png': 'a\0b',
      'big.txt': 'y'.repeat(1024 * 1024 + 1),
    });
    const { repositories, base } = await startRun(fixture);
    const files = unwrap(await repositories.listFiles(base));
    expect(files.toSorted()).toEqual(['a b.txt', 'big.txt', 'logo.png', 'src/é.ts']);
    const texts = ['a b.txt', 'src/é.ts', 'big.txt', 'logo.png', 'src', 'absent', '../HEAD', '/etc/passwd', 'a\nb'].map(
      async (path) => unwrap(await repositories.readText(base, path)),
    );
    expect(await Promise.all(texts)).toEqual(['text\n', 'x', ...Array.from({ length: 7 }, () => null)]);
    expect(await repositories.readText('HEAD', 'a b.txt')).toMatchObject({ ok: false });
    expect(await repositories.listFiles('--help')).toMatchObject({ ok: false });
  });

  it('refuses to merge what was not ingested', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    const merged = await repositories.merge({ runId, attemptId: newId(), commit: base, title: 'x' });
    expect(merged).toMatchObject({ ok: false, error: { code: 'AC_OBJECT_NAME_INVALID' } });
  });
});
