import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { newId, unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import {
  bundleRequest,
  commitAll,
  craftedRequest,
  createGitFixture,
  git,
  ownContent,
  startRun,
  workerClone,
  workerResult,
  writeFiles,
  writeObject,
  treeEntry,
} from '../testing/git-fixture.ts';
import { defaultIngestLimits } from './limits.ts';

function codeOf(result: {
  readonly ok: boolean;
  readonly error?: { readonly code: string; readonly message: string };
}): string {
  return result.error === undefined
    ? 'ok'
    : `${result.error.code} ${/rule (\S+)/u.exec(result.error.message)?.[1] ?? ''}`.trim();
}

describe('ingest', () => {
  it('S24 refuses a commit that does not descend from its base', async () => {
    using fixture = createGitFixture();
    const { repositories, base } = await startRun(fixture);
    const clone = workerClone(fixture, base);
    git(clone, ['checkout', '--quiet', '--orphan', 'other']);
    writeFiles(clone, { 'b.txt': 'b\n' });
    const orphan = commitAll(clone);
    const refused = await repositories.ingest(bundleRequest(fixture, clone, '', orphan, { baseOid: base }));
    expect(codeOf(refused)).toBe('AC_INGEST_NOT_DESCENDANT');
  });

  it('S24 refuses a base whose history was rewritten, and the base of another task', async () => {
    using fixture = createGitFixture();
    writeFiles(fixture.source, { 'a.txt': 'second\n' });
    commitAll(fixture.source, 'second');
    const { repositories, base } = await startRun(fixture);
    const clone = workerClone(fixture, base);
    git(clone, ['commit', '--quiet', '--amend', '-m', 'rewritten']);
    const rewritten = commitAll(clone, 'on top of it');
    const refused = await repositories.ingest(bundleRequest(fixture, clone, `${base}~1`, rewritten, { baseOid: base }));
    expect(codeOf(refused)).toBe('AC_INGEST_NOT_DESCENDANT');
    const older = workerClone(fixture, `${base}~1`);
    writeFiles(older, { 'b.txt': 'b\n' });
    const behind = bundleRequest(fixture, older, `${base}~1`, commitAll(older), { baseOid: base });
    expect(codeOf(await repositories.ingest(behind))).toBe('AC_INGEST_NOT_DESCENDANT');
    expect(ownContent(fixture.vaultFolder)).toEqual({ objects: new Set(), references: '' });
  });

  it('refuses a bundle that is not the one announced', async () => {
    using fixture = createGitFixture();
    const { repositories, base } = await startRun(fixture);
    const good = workerResult(fixture, base, { 'a.txt': 'x\n' });
    const cases = {
      'bundle-digest': { ...good, sha256: '0'.repeat(64) },
      'bundle-references': { ...good, resultRef: 'refs/heads/other' },
      'bundle-missing': { ...good, bundleFile: path.join(fixture.folder, 'nowhere') },
    };
    for (const [rule, request] of Object.entries(cases)) {
      expect(codeOf(await repositories.ingest(request))).toBe(`AC_INGEST_REFUSED ${rule}`);
    }
    expect(codeOf(await repositories.ingest({ ...good, claimedCommit: base }))).toBe(
      'AC_INGEST_REFUSED bundle-references',
    );
    expect(codeOf(await repositories.ingest({ ...good, claimedCommit: '--all' }))).toBe('AC_OBJECT_NAME_INVALID');
    expect(codeOf(await repositories.ingest({ ...good, attemptId: '../x' }))).toBe('AC_BRANCH_REFUSED');
    expect(codeOf(await repositories.ingest(good))).toBe('ok');
  });

  it('refuses a torn pack, a prerequisite nobody knows, and more than one reference', async () => {
    using fixture = createGitFixture();
    const { repositories, base } = await startRun(fixture);
    const announce = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
    const torn = workerResult(fixture, base, { 'a.txt': randomBytes(4096).toString('hex') });
    truncateSync(torn.bundleFile, readFileSync(torn.bundleFile).length - 100);
    expect(codeOf(await repositories.ingest({ ...torn, sha256: announce(torn.bundleFile) }))).toBe(
      'AC_INGEST_REFUSED index-pack',
    );
    const foreign = workerResult(fixture, base, { 'a.txt': 'y\n' });
    const text = readFileSync(foreign.bundleFile).toString('latin1');
    writeFileSync(foreign.bundleFile, text.replace(`-${base}`, `-${'1'.repeat(40)}`), 'latin1');
    expect(codeOf(await repositories.ingest({ ...foreign, sha256: announce(foreign.bundleFile) }))).toBe(
      'AC_INGEST_REFUSED bundle-prerequisites',
    );
    writeFileSync(foreign.bundleFile, text.replace('\n\n', `\n${base} refs/heads/main\n\n`), 'latin1');
    expect(codeOf(await repositories.ingest({ ...foreign, sha256: announce(foreign.bundleFile) }))).toBe(
      'AC_INGEST_REFUSED bundle-references',
    );
  });

  it('S26 refuses a blob that is small on the wire and huge once inflated, and never reads it', async () => {
    using fixture = createGitFixture();
    const { repositories, base } = await startRun(fixture);
    const clone = workerClone(fixture, base);
    const bomb = path.join(clone, 'bomb');
    writeFileSync(bomb, '');
    truncateSync(bomb, defaultIngestLimits.objectBytes + 1);
    const request = bundleRequest(fixture, clone, base, commitAll(clone));
    expect(statSync(request.bundleFile).size).toBeLessThan(1_000_000);
    fixture.calls.length = 0;
    const before = process.memoryUsage.rss();
    expect(codeOf(await repositories.ingest(request))).toBe('AC_INGEST_TOO_LARGE');
    expect(process.memoryUsage.rss() - before).toBeLessThan(defaultIngestLimits.objectBytes);
    // Sizes are asked for, contents are not: nothing compares, prints or hands on the object.
    const commands = new Set(fixture.calls.map(([command]) => command));
    for (const reading of ['diff-tree', 'diff', 'show', 'pack-objects']) expect(commands).not.toContain(reading);
    const asked = fixture.calls.filter(([command]) => command === 'cat-file').flat();
    expect(asked.filter((word) => /^(?:-p|--batch(?:=.*)?|blob)$/u.test(word))).toEqual([]);
    expect(ownContent(fixture.vaultFolder).references).toBe('');
  });

  it('holds every limit: bundle, objects, total, listing, changed paths', async () => {
    using fixture = createGitFixture();
    const { base } = await startRun(fixture);
    const files = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`f${index}`, `${index}\n`.repeat(50)]));
    const request = workerResult(fixture, base, files);
    const tight = { bundleBytes: 100, objects: 5, totalBytes: 1000, treeListingBytes: 20, changedPaths: 10 };
    for (const [name, limit] of Object.entries(tight)) {
      const repositories = fixture.open({ limits: { [name]: limit } });
      expect(codeOf(await repositories.ingest(request))).toBe('AC_INGEST_TOO_LARGE');
    }
    expect(codeOf(await fixture.open().ingest(request))).toBe('ok');
  });

  it('S36 keeps nothing of what the worker wrote about itself: one commit in the bot’s name, the title made plain', async () => {
    using fixture = createGitFixture();
    const { repositories, base } = await startRun(fixture);
    const clone = workerClone(fixture, base);
    writeFiles(clone, { 'secret.txt': 'only in between\n' });
    const between = commitAll(clone, 'Fixes #1\n\nCo-authored-by: Eve <eve@example.org>');
    git(clone, ['rm', '--quiet', 'secret.txt']);
    writeFiles(clone, { 'a.txt': 'final\n' });
    const title = '\u001b[31mRed\u001b[0m\u202e [skip ci]\r\nSigned-off-by: Eve; fixes #12 \u0000now';
    const request = bundleRequest(fixture, clone, base, commitAll(clone), { title });
    const { commit } = unwrap(await repositories.ingest(request));
    const shown = git(fixture.vaultFolder, ['log', '-1', '--format=%an <%ae>|%cn <%ce>|%P|%B', commit]);
    const bot = 'AgentCompany <agent@agentcompany.invalid>';
    expect(shown).toBe(`${bot}|${bot}|${base}|Red Eve; #12 now\n\nAttempt: ${request.attemptId}`);
    const { objects, references } = ownContent(fixture.vaultFolder);
    expect(objects).not.toContain(between);
    expect(objects).not.toContain(request.claimedCommit);
    expect(references.split('\n')).toEqual([`${commit} commit\trefs/agentcompany/attempts/${request.attemptId}`]);
    expect(readdirSync(fixture.quarantineFolder)).toEqual([]);
  });

  it('S28 runs nothing that a worker planted in its clone, nor anything in hooks folders', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    const canary = path.join(fixture.folder, 'canary');
    const plant = `#!/bin/sh\ntouch ${canary}\n`;
    const clone = workerClone(fixture, base);
    writeFiles(clone, {
      '.gitattributes': '* filter=evil diff=evil merge=evil\n',
      'a.txt': 'changed\n',
      '.gitconfig': 'x\n',
    });
    const request = bundleRequest(fixture, clone, base, commitAll(clone));
    const evil = path.join(fixture.folder, 'evil.sh');
    writeFileSync(evil, plant, { mode: 0o755 });
    for (const setting of [
      'core.fsmonitor',
      'core.sshCommand',
      'filter.evil.clean',
      'filter.evil.smudge',
      'diff.evil.command',
      'diff.evil.textconv',
      'diff.external',
      'merge.evil.driver',
      'core.pager',
      'core.editor',
      'uploadpack.packObjectsHook',
      'gpg.program',
    ]) {
      git(clone, ['config', setting, evil]);
    }
    git(clone, ['config', 'core.hooksPath', path.join(clone, '.git', 'hooks')]);
    git(clone, ['config', 'include.path', evil]);
    writeFileSync(path.join(clone, '.git', 'objects', 'info', 'alternates'), '/etc\n');
    for (const repository of [
      path.join(clone, '.git'),
      path.join(fixture.source, '.git'),
      fixture.mirrorFolder,
      fixture.vaultFolder,
    ]) {
      mkdirSync(path.join(repository, 'hooks'), { recursive: true });
      for (const hook of [
        'reference-transaction',
        'post-checkout',
        'pre-receive',
        'update',
        'post-receive',
        'post-update',
        'pre-push',
        'post-merge',
      ]) {
        writeFileSync(path.join(repository, 'hooks', hook), plant);
        chmodSync(path.join(repository, 'hooks', hook), 0o755);
      }
    }
    const { commit } = unwrap(await repositories.ingest(request));
    unwrap(await repositories.merge({ runId, attemptId: request.attemptId, commit, title: 'x' }));
    unwrap(await repositories.changes(base, commit));
    unwrap(await repositories.diffStat(base, commit));
    unwrap(await repositories.conflictMarkers(commit, ['a.txt']));
    unwrap(await repositories.push({ runId, oid: unwrap(await repositories.runTip(runId)), branch: 'agent/x' }));
    unwrap(await repositories.synchronize());
    expect(existsSync(canary)).toBe(false);
    // Nothing but repositories that were laid out by us.
    const named = [...fixture.gitFolders].map((folder) => folder.replace(/merge-[0-9a-f-]{36}/, 'merge'));
    const passing = [`${request.attemptId}.git`, 'merge.git'].map((name) => path.join(fixture.quarantineFolder, name));
    expect(named.toSorted()).toEqual([fixture.mirrorFolder, fixture.vaultFolder, ...passing].toSorted());
    expect(readdirSync(fixture.quarantineFolder)).toEqual([]);
    git(fixture.source, ['update-ref', 'refs/heads/proof', base]);
    expect(existsSync(canary)).toBe(true);
  });

  it('S86 shows workers nothing but merged work: neither waiting nor refused objects of other tasks', async () => {
    using fixture = createGitFixture();
    const { repositories, runId, base } = await startRun(fixture);
    const merged = workerResult(fixture, base, { 'merged.txt': 'merged\n' });
    const waiting = workerResult(fixture, base, { 'waiting.txt': 'waiting\n' });
    const clone = workerClone(fixture, base);
    const secret = writeObject(clone, 'blob', 'refused');
    const link = writeObject(clone, 'blob', '/etc/passwd');
    const tree = writeObject(clone, 'tree', treeEntry('120000', 'link', link));
    const refused = craftedRequest(fixture, clone, { base, tree, objects: [secret, link] });
    const { commit } = unwrap(await repositories.ingest(merged));
    const other = unwrap(await repositories.ingest(waiting));
    expect(codeOf(await repositories.ingest(refused))).toBe('AC_PATH_REFUSED symlink-absolute');
    unwrap(await repositories.merge({ runId, attemptId: merged.attemptId, commit, title: 'x' }));
    const { objects, references } = ownContent(fixture.mirrorFolder);
    expect(objects).toContain(commit);
    for (const oid of [
      other.commit,
      other.tree,
      waiting.claimedCommit,
      git(fixture.vaultFolder, ['rev-parse', `${other.commit}:waiting.txt`]),
      tree,
      secret,
      refused.claimedCommit,
    ]) {
      expect(objects).not.toContain(oid);
    }
    expect(references.split('\n').map((line) => line.split('\t')[1])).toEqual([
      `refs/agentcompany/runs/${runId}`,
      'refs/heads/main',
    ]);
  });

  it('answers from the vault once it has the attempt, without the bundle', async () => {
    using fixture = createGitFixture();
    const { repositories, base } = await startRun(fixture);
    const request = workerResult(fixture, base, { 'a.txt': 'x\n' });
    const first = unwrap(await repositories.ingest(request));
    const gone = { ...request, bundleFile: path.join(fixture.folder, 'gone'), sha256: '' };
    expect(unwrap(await fixture.open().ingest(gone))).toEqual(first);
    expect(codeOf(await repositories.ingest({ ...gone, attemptId: newId() }))).toBe('AC_INGEST_REFUSED bundle-missing');
  });
});
