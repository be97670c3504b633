import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { openBareRepository } from './bare-repository.ts';
import { fetchBranches } from './mirror.ts';
import { createGitRunner } from './runner.ts';
import { explainRemoteFailure } from './remote.ts';
import { gitErrors } from './errors.ts';
import { commitAll, createGitFixture, git, startRun, writeFiles, type GitFixture } from './testing/git-fixture.ts';

const isRoot = process.getuid?.() === 0;

async function fetchOverHttp(fixture: GitFixture, server: Server): ReturnType<typeof fetchBranches> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const mirror = { folder: path.join(fixture.folder, 'http.git'), run: createGitRunner() };
  unwrap(await openBareRepository(mirror, { worldReadable: true }));
  const url = `http://127.0.0.1:${address.port}/r`;
  const fetched = await fetchBranches(mirror, { url, protocols: ['http'], globalConfiguration: undefined });
  server.close();
  server.closeAllConnections();
  return fetched;
}

describe('the mirror', () => {
  it('takes heads and nothing else of the source, and follows them', async () => {
    using fixture = createGitFixture();
    git(fixture.source, ['tag', 'v1']);
    git(fixture.source, ['update-ref', 'refs/replace/' + '1'.repeat(40), 'HEAD']);
    git(fixture.source, ['update-ref', 'refs/notes/x', 'HEAD']);
    git(fixture.source, ['branch', 'old']);
    const { repositories, runId } = await startRun(fixture);
    const references = (): readonly string[] =>
      git(fixture.mirrorFolder, ['for-each-ref', '--format=%(refname)']).split('\n');
    expect(references()).toEqual([`refs/agentcompany/runs/${runId}`, 'refs/heads/main', 'refs/heads/old']);
    git(fixture.source, ['branch', '-D', 'old']);
    git(fixture.source, ['branch', 'old/nested']);
    writeFiles(fixture.source, { 'a.txt': 'next\n' });
    const next = commitAll(fixture.source);
    unwrap(await repositories.synchronize());
    expect(references()).toEqual([`refs/agentcompany/runs/${runId}`, 'refs/heads/main', 'refs/heads/old/nested']);
    expect(unwrap(await repositories.branchTip('main'))).toBe(next);
    expect(await repositories.branchTip('old')).toMatchObject({ error: { code: 'AC_BRANCH_UNKNOWN' } });
  });

  it('names an empty and an unreachable source', async () => {
    using fixture = createGitFixture();
    const empty = path.join(fixture.folder, 'empty.git');
    git(fixture.folder, ['init', '--quiet', '--bare', empty]);
    const ofFolder = (url: string): ReturnType<typeof fixture.open> =>
      fixture.open({ source: { url, isFolder: true } });
    expect(await ofFolder(empty).synchronize()).toMatchObject({ error: { code: 'AC_REPOSITORY_EMPTY' } });
    const nowhere = await ofFolder(path.join(fixture.folder, 'nowhere')).synchronize();
    expect(nowhere).toMatchObject({ error: { code: 'AC_GIT_UNREACHABLE', retry: 'later' } });
  });

  it('names a source it can take nothing from: a shallow clone, another object format', async () => {
    using fixture = createGitFixture();
    writeFiles(fixture.source, { 'a.txt': 'next\n' });
    commitAll(fixture.source);
    const shallow = path.join(fixture.folder, 'shallow');
    git(fixture.folder, ['clone', '--quiet', '--depth=1', `file://${fixture.source}`, shallow]);
    const other = path.join(fixture.folder, 'other');
    git(fixture.folder, ['init', '--quiet', '--object-format=sha256', other]);
    commitAll(other);
    const ofFolder = (url: string): ReturnType<typeof fixture.open> =>
      fixture.open({ source: { url, isFolder: true } });
    expect(await ofFolder(shallow).synchronize()).toMatchObject({ error: { code: 'AC_REPOSITORY_SHALLOW' } });
    expect(await ofFolder(other).synchronize()).toMatchObject({ error: { code: 'AC_REPOSITORY_FORMAT' } });
  });

  it('names a host that answers nobody', async () => {
    using fixture = createGitFixture();
    const repositories = fixture.open({ source: { url: 'https://127.0.0.1:1/r', isFolder: false } });
    expect(await repositories.synchronize()).toMatchObject({ error: { code: 'AC_GIT_UNREACHABLE' } });
  });

  it('S30 refuses a redirect and does not call where it points', async () => {
    using fixture = createGitFixture();
    const paths: string[] = [];
    const server = createServer((request, response) => {
      paths.push(request.url ?? '');
      response.writeHead(301, { location: '/elsewhere/info/refs?service=git-upload-pack' }).end();
    });
    expect(await fetchOverHttp(fixture, server)).toMatchObject({ error: { code: 'AC_GIT_REDIRECT' } });
    expect(paths).toEqual(['/r/info/refs?service=git-upload-pack']);
  });

  it('names refused credentials and asks nobody', async () => {
    using fixture = createGitFixture();
    const server = createServer((_request, response) => {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    });
    expect(await fetchOverHttp(fixture, server)).toMatchObject({
      error: { code: 'AC_GIT_CREDENTIALS', retry: 'never' },
    });
  });

  it('C21 names an unknown or changed host key', () => {
    for (const text of [
      'Host key verification failed.\nfatal: Could not read from remote repository.',
      '@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @',
    ]) {
      const failed = { ok: false, error: gitErrors.AC_GIT_FAILED({ command: 'fetch', code: 128 }, text) } as const;
      expect(explainRemoteFailure('ssh://h/r', failed)).toMatchObject({ error: { code: 'AC_GIT_HOST_KEY' } });
    }
  });

  it('S39 gets over locks and half packs of a dead process, not over those of a live one', async () => {
    using fixture = createGitFixture();
    const { repositories, runId } = await startRun(fixture);
    const locks = ['refs/heads/main.lock', 'packed-refs.lock', `refs/agentcompany/runs/${runId}.lock`];
    writeFiles(fixture.source, { 'a.txt': 'next\n' });
    commitAll(fixture.source);
    for (const lock of locks) writeFileSync(path.join(fixture.mirrorFolder, lock), '');
    const packs = ['tmp_pack_dead', 'tmp_pack_live'].map((name) =>
      path.join(fixture.mirrorFolder, 'objects/pack', name),
    );
    for (const pack of packs) writeFileSync(pack, 'half');
    utimesSync(packs[0] ?? '', 0, 0);
    expect(await repositories.synchronize()).toMatchObject({ error: { code: 'AC_GIT_LOCKED', retry: 'later' } });
    const old = Date.now() / 1000 - 60;
    for (const lock of locks) utimesSync(path.join(fixture.mirrorFolder, lock), old, old);
    unwrap(await repositories.synchronize());
    expect(locks.filter((lock) => existsSync(path.join(fixture.mirrorFolder, lock)))).toEqual([]);
    expect(packs.map((pack) => existsSync(pack))).toEqual([false, true]);
  });

  it('keeps mode bits: the mirror readable by all, vault and quarantine by nobody else', async () => {
    using fixture = createGitFixture();
    await startRun(fixture);
    const mode = (folder: string): string => (statSync(folder).mode & 0o777).toString(8);
    expect(mode(path.dirname(fixture.mirrorFolder))).toBe('711');
    expect(mode(fixture.mirrorFolder)).toBe('755');
    expect(mode(path.join(fixture.mirrorFolder, 'objects', 'pack'))).toBe('755');
    expect(mode(fixture.vaultFolder)).toBe('700');
    expect(mode(fixture.quarantineFolder)).toBe('700');
  });

  it.skipIf(!isRoot)('S34 lets uid 10001 clone the mirror and borrow its objects, whatever our umask', async () => {
    using fixture = createGitFixture();
    const before = process.umask(0o077);
    await startRun(fixture);
    process.umask(before);
    chmodSync(fixture.folder, 0o711);
    const workspace = path.join(fixture.folder, 'workspace');
    mkdirSync(workspace, { mode: 0o777 });
    chmodSync(workspace, 0o777);
    const configuration = path.join(workspace, 'gitconfig');
    writeFileSync(configuration, `[safe]\n\tdirectory = ${fixture.mirrorFolder}\n`);
    chmodSync(configuration, 0o644);
    const clone = path.join(workspace, 'clone');
    execFileSync('git', ['clone', '--quiet', '-s', fixture.mirrorFolder, clone], {
      uid: 10001,
      gid: 10001,
      cwd: workspace,
      env: { PATH: '/usr/bin:/bin', HOME: workspace, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: configuration },
    });
    expect(existsSync(path.join(clone, 'a.txt'))).toBe(true);
  });

  it.skipIf(!isRoot)('reads and writes a source folder that belongs to another user', async () => {
    using fixture = createGitFixture();
    execFileSync('chown', ['-R', '12345:12345', fixture.source]);
    const { repositories, runId, base } = await startRun(fixture);
    unwrap(await repositories.push({ runId, oid: base, branch: 'agent/x' }));
    const asOwner = ['-c', `safe.directory=${fixture.source}`, 'rev-parse', 'agent/x'];
    expect(git(fixture.source, asOwner)).toBe(base);
  });
});
