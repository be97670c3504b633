import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { newId, unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import {
  commitAll,
  createGitFixture,
  git,
  ownContent,
  startRun,
  workerResult,
  writeFiles,
} from './testing/git-fixture.ts';

describe('merges', () => {
  it('C23 answers a conflict with its paths, moves nothing and lets no marker near the mirror', async () => {
    using fixture = createGitFixture({ 'a.txt': 'one\n', 'sub/b.txt': 'one\n', 'c.txt': 'one\n' });
    const { repositories, runId, base } = await startRun(fixture);
    const requests = ['left', 'right'].map((side) =>
      workerResult(fixture, base, { 'a.txt': `${side}\n`, 'sub/b.txt': `${side}\n`, [`${side}.txt`]: 'own\n' }),
    );
    const commits: string[] = [];
    for (const request of requests) commits.push(unwrap(await repositories.ingest(request)).commit);
    const merge = (index: number): ReturnType<typeof repositories.merge> =>
      repositories.merge({
        runId,
        attemptId: requests[index]?.attemptId ?? '',
        commit: commits[index] ?? '',
        title: 'x',
      });
    expect(unwrap(await merge(0))).toMatchObject({ outcome: 'merged', tipBefore: base });
    const tip = unwrap(await repositories.runTip(runId));
    const before = ownContent(fixture.mirrorFolder);
    const conflict = unwrap(await merge(1));
    expect(conflict).toEqual({ outcome: 'conflict', tipBefore: tip, conflicts: ['a.txt', 'sub/b.txt'] });
    expect(unwrap(await repositories.runTip(runId))).toBe(tip);
    expect(ownContent(fixture.mirrorFolder)).toEqual(before);
    unwrap(await repositories.push({ runId, oid: tip, branch: 'agent/x' }));
    expect(git(fixture.source, ['show', 'agent/x:a.txt'])).toBe('left');
  });

  it('C23 resolves a conflict by a later task that stands on the merged tip', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    const first = workerResult(fixture, base, { 'a.txt': 'left\n' });
    const { commit } = unwrap(await repositories.ingest(first));
    unwrap(await repositories.merge({ runId, attemptId: first.attemptId, commit, title: 'x' }));
    const tip = unwrap(await repositories.runTip(runId));
    const both = workerResult(fixture, tip, { 'a.txt': 'left\nright\n' });
    const resolved = unwrap(await repositories.ingest(both));
    expect(resolved).toMatchObject({ base_oid: tip, insertions: 1, deletions: 0 });
    const merged = await repositories.merge({ runId, attemptId: both.attemptId, commit: resolved.commit, title: 'y' });
    expect(unwrap(merged)).toMatchObject({ outcome: 'merged', tipBefore: tip });
  });

  it('S37 is not misled by replacement references: what was ingested is what is merged', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    const good = workerResult(fixture, base, { 'a.txt': 'reviewed\n' });
    const other = workerResult(fixture, base, { 'a.txt': 'smuggled\n' });
    const { commit, tree } = unwrap(await repositories.ingest(good));
    const smuggled = unwrap(await repositories.ingest(other));
    git(fixture.vaultFolder, ['update-ref', `refs/replace/${commit}`, smuggled.commit]);
    expect(unwrap(await repositories.ingest(good)).tree).toBe(tree);
    unwrap(await repositories.merge({ runId, attemptId: good.attemptId, commit, title: 'x' }));
    const tip = unwrap(await repositories.runTip(runId));
    expect(git(fixture.mirrorFolder, ['show', `${tip}:a.txt`])).toBe('reviewed');
    expect(git(fixture.mirrorFolder, ['rev-parse', `${tip}^{tree}`])).toBe(tree);
  });

  it('S37 pushes the tree that was reviewed, whatever replacements, grafts and notes lie in the mirror and the vault', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    const good = workerResult(fixture, base, { 'a.txt': 'reviewed\n' });
    const { commit, tree } = unwrap(await repositories.ingest(good));
    const smuggled = unwrap(await repositories.ingest(workerResult(fixture, base, { 'a.txt': 'smuggled\n' })));
    const changes = unwrap(await repositories.changes(base, commit));
    const plant = (repository: string, oid: string, other: string): void => {
      git(repository, ['update-ref', `refs/replace/${oid}`, other]);
      mkdirSync(path.join(repository, 'info'), { recursive: true });
      writeFileSync(path.join(repository, 'info', 'grafts'), `${oid}\n`);
      git(repository, ['update-ref', 'refs/notes/commits', other]);
    };
    plant(fixture.vaultFolder, commit, smuggled.commit);
    expect(unwrap(await repositories.changes(base, commit))).toEqual(changes);
    unwrap(await repositories.merge({ runId, attemptId: good.attemptId, commit, title: 'x' }));
    const tip = unwrap(await repositories.runTip(runId));
    plant(fixture.mirrorFolder, tip, base);
    unwrap(await repositories.push({ runId, oid: tip, branch: 'agent/x' }));
    expect(git(fixture.source, ['rev-parse', 'agent/x^{tree}'])).toBe(tree);
    expect(git(fixture.source, ['for-each-ref', '--format=%(refname)']).split('\n').toSorted()).toEqual([
      'refs/heads/agent/x',
      'refs/heads/main',
    ]);
  });

  it('keeps a task that changed nothing apart from its base, so that it too is merged once', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    const request = workerResult(fixture, base, {});
    const ingested = unwrap(await repositories.ingest(request));
    expect(ingested).toMatchObject({ changes: [], insertions: 0, deletions: 0 });
    const merge = { runId, attemptId: request.attemptId, commit: ingested.commit, title: 'Nothing' };
    const merged = unwrap(await repositories.merge(merge));
    expect(unwrap(await repositories.merge(merge))).toEqual(merged);
  });

  it('takes the moved base in, once, and says where it conflicts', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    const request = workerResult(fixture, base, { 'new.txt': 'x\n' });
    const { commit } = unwrap(await repositories.ingest(request));
    unwrap(await repositories.merge({ runId, attemptId: request.attemptId, commit, title: 'x' }));
    writeFiles(fixture.source, { 'a.txt': 'moved\n' });
    const moved = commitAll(fixture.source);
    unwrap(await repositories.synchronize());
    const merged = unwrap(await repositories.mergeBase({ runId, oid: moved }));
    expect(merged.outcome).toBe('merged');
    expect(unwrap(await repositories.mergeBase({ runId, oid: moved }))).toEqual(merged);
    const tip = unwrap(await repositories.runTip(runId));
    expect(git(fixture.mirrorFolder, ['show', `${tip}:a.txt`])).toBe('moved');
    writeFiles(fixture.source, { 'new.txt': 'clash\n' });
    const clash = commitAll(fixture.source);
    unwrap(await repositories.synchronize());
    expect(unwrap(await repositories.mergeBase({ runId, oid: clash }))).toMatchObject({ conflicts: ['new.txt'] });
  });

  it('merges results that arrive at once, each exactly once', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    const requests = Array.from({ length: 6 }, (_, index) => workerResult(fixture, base, { [`f${index}`]: 'x\n' }));
    await Promise.all(
      requests.map(async (request) => {
        const { commit } = unwrap(await repositories.ingest(request));
        unwrap(await repositories.merge({ runId, attemptId: request.attemptId, commit, title: 'x' }));
      }),
    );
    const tip = unwrap(await repositories.runTip(runId));
    expect(git(fixture.mirrorFolder, ['rev-list', '--count', '--merges', tip])).toBe('6');
    expect(git(fixture.mirrorFolder, ['ls-tree', '--name-only', tip]).split('\n')).toHaveLength(7);
  }, 30_000);

  it('S65 never goes back: what is asked for again is answered with the tip where others came after it', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    const [one, two] = await Promise.all(
      ['one', 'two'].map(async (name) => {
        const request = workerResult(fixture, base, { [name]: 'x\n' });
        const { commit } = unwrap(await repositories.ingest(request));
        return () => repositories.merge({ runId, attemptId: request.attemptId, commit, title: name });
      }),
    );
    const first = unwrap(await one!());
    expect(unwrap(await one!())).toEqual(first);
    const second = unwrap(await two!());
    const tip = unwrap(await repositories.runTip(runId));
    expect(unwrap(await one!())).toEqual({ outcome: 'merged', tipBefore: tip, tipAfter: tip });
    expect(unwrap(await two!())).toEqual(second);
    unwrap(await repositories.mergeBase({ runId, oid: base }));
    expect(unwrap(await repositories.mergeBase({ runId, oid: base }))).toMatchObject({ tipAfter: tip });
    expect(unwrap(await repositories.runTip(runId))).toBe(tip);
  });

  it('P10 joins what waits: one transfer and one move of the branch, a conflict among them left out', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    const contents = ['one', 'two', 'three', 'clash'].map((name) => ({
      [name === 'clash' ? 'one' : name]: `${name}\n`,
    }));
    const ingested = await Promise.all(
      contents.map(async (files) => {
        const request = workerResult(fixture, base, files);
        return { attemptId: request.attemptId, commit: unwrap(await repositories.ingest(request)).commit };
      }),
    );
    fixture.calls.length = 0;
    fixture.steps.length = 0;
    const merged = await Promise.all(ingested.map((each) => repositories.merge({ runId, ...each, title: 'x' })));
    const outcomes = merged.map(unwrap);
    // Which of the two that clash comes first is open; what was merged is one line from the base to the tip.
    const joined = outcomes.filter((each) => each.outcome === 'merged');
    const tip = unwrap(await repositories.runTip(runId));
    expect(outcomes.filter((each) => each.outcome === 'conflict')).toMatchObject([{ conflicts: ['one'] }]);
    expect(joined.map(({ tipAfter }) => tipAfter).toSorted()).toEqual(
      [...joined.map(({ tipBefore }) => tipBefore), tip].filter((oid) => oid !== base).toSorted(),
    );
    expect(git(fixture.mirrorFolder, ['rev-list', '--count', '--merges', `${base}..${tip}`])).toBe('3');
    const counted = (command: string): number => fixture.calls.filter(([name]) => name === command).length;
    expect(['merge-tree', 'commit-tree', 'pack-objects', 'index-pack', 'update-ref'].map(counted)).toEqual([
      4, 3, 1, 1, 1,
    ]);
    expect(fixture.steps).toEqual(['merge-objects', 'merge-reference']);
  });

  it('P10 answers none of those that were joined where the branch moved meanwhile, and merges each when it is asked again', async () => {
    using fixture = createGitFixture();
    let onStep = (): void => undefined;
    const repositories = fixture.open({ onDurableStep: (name) => (name === 'merge-objects' ? onStep() : undefined) });
    const { runId, base } = await startRun(fixture, repositories);
    const merges: (() => ReturnType<typeof repositories.merge>)[] = [];
    for (const name of ['one', 'two', 'elsewhere']) {
      const request = workerResult(fixture, base, { [name]: 'x\n' });
      const { attemptId } = request;
      const { commit } = unwrap(await repositories.ingest(request));
      merges.push(() => repositories.merge({ runId, attemptId, commit, title: name }));
    }
    const [one, two] = merges;
    const other = git(fixture.mirrorFolder, ['commit-tree', '-p', base, '-m', 'other', `${base}^{tree}`]);
    const reference = `refs/agentcompany/runs/${runId}`;
    onStep = () => void git(fixture.mirrorFolder, ['update-ref', reference, other, base]);
    const refused = await Promise.all([one?.(), two?.()]);
    for (const each of refused) expect(each).toMatchObject({ error: { code: 'AC_GIT_REFERENCE_MOVED' } });
    expect(unwrap(await repositories.runTip(runId))).toBe(other);
    onStep = () => undefined;
    expect((await Promise.all(merges.map((merge) => merge()))).map((each) => unwrap(each).outcome)).toEqual(
      Array(3).fill('merged'),
    );
    const tip = unwrap(await repositories.runTip(runId));
    expect(git(fixture.mirrorFolder, ['rev-list', '--count', '--merges', tip])).toBe('3');
  });

  it('finds conflict markers at line starts, in the files asked for only', async () => {
    using fixture = createGitFixture();
    const { repositories, base } = await startRun(fixture);
    const files = {
      'marked.txt': 'a\n<<<<<<< ours\nb\n=======\nc\n>>>>>>> theirs\n',
      'windows.txt': 'a\r\n>>>>>>>\r\nb\r\n',
      'heading.md': 'Title\n=======\n',
      'inner.txt': 'x <<<<<<< y\n',
      '--output=x': '<<<<<<< x\n',
      'not-asked.txt': '<<<<<<< x\n',
    };
    const { commit } = unwrap(await repositories.ingest(workerResult(fixture, base, files)));
    const { 'not-asked.txt': _left, ...asked } = files;
    const found = unwrap(await repositories.conflictMarkers(commit, [...Object.keys(asked), 'absent.txt']));
    expect(found.toSorted()).toEqual(['--output=x', 'marked.txt', 'windows.txt']);
  });

  it('codes what it does not know', async () => {
    using fixture = createGitFixture();
    const { repositories, base } = await startRun(fixture);
    const unknown = '1'.repeat(40);
    expect(await repositories.runTip(newId())).toMatchObject({ error: { code: 'AC_BRANCH_UNKNOWN' } });
    expect(await repositories.mergeBase({ runId: newId(), oid: base })).toMatchObject({
      error: { code: 'AC_BRANCH_UNKNOWN' },
    });
    expect(await repositories.createRunBranch(newId(), unknown)).toMatchObject({
      error: { code: 'AC_OBJECT_NAME_INVALID' },
    });
    expect(await repositories.changes(base, unknown)).toMatchObject({ error: { code: 'AC_OBJECT_NAME_INVALID' } });
    expect(await repositories.diffStat('HEAD', base)).toMatchObject({ error: { code: 'AC_OBJECT_NAME_INVALID' } });
  });
});
