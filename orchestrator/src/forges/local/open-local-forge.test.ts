import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { commitAll, git, writeFiles } from '../../git/testing/git-fixture.ts';
import type { PullRequestDraft } from '../forge.ts';
import { openLocalForge } from './open-local-forge.ts';

interface ForgeFixture extends Disposable {
  readonly folder: string;
  readonly work: string;
  readonly bare: string;
}

/** A bare repository with `main` and `agent/change`, and a work tree that pushes to it. */
function createForgeFixture(): ForgeFixture {
  const folder = mkdtempSync(path.join(tmpdir(), 'agentcompany-forge-'));
  const work = path.join(folder, 'work');
  const bare = path.join(folder, 'bare.git');
  git(folder, ['init', '--quiet', '-b', 'main', work]);
  git(folder, ['init', '--quiet', '--bare', '-b', 'main', bare]);
  writeFiles(work, { 'a.txt': 'one\n' });
  commitAll(work, 'first');
  git(work, ['checkout', '--quiet', '-b', 'agent/change']);
  writeFiles(work, { 'a.txt': 'two\n' });
  commitAll(work, 'second');
  git(work, ['push', '--quiet', bare, 'main', 'agent/change']);
  return { folder, work, bare, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

const draft: PullRequestDraft = {
  key: 'run/1/pull_request',
  branch: 'agent/change',
  base: 'main',
  title: 'Change a file',
  body: 'body',
  draft: false,
};

function forgeOf(fixture: ForgeFixture, repository = fixture.bare): ReturnType<typeof openLocalForge> {
  return openLocalForge({ folder: path.join(fixture.folder, 'records'), repository });
}

describe('the local forge', () => {
  it('opens one pull request per key however often and from wherever it is asked', async () => {
    using fixture = createForgeFixture();
    const forges = Array.from({ length: 8 }, () => forgeOf(fixture));
    const opened = await Promise.all(
      forges.map((forge, index) => forge.openPullRequest({ ...draft, key: `run/${index % 4}/pull_request` })),
    );
    expect(new Set(opened.map((result) => unwrap(result).number))).toEqual(new Set([1, 2, 3, 4]));
    expect(readdirSync(path.join(fixture.folder, 'records')).toSorted()).toEqual([
      '1.json',
      '2.json',
      '3.json',
      '4.json',
    ]);
  });

  it('merges into the base branch once, also when the record was not written before a crash', async () => {
    using fixture = createForgeFixture();
    const { number } = unwrap(await forgeOf(fixture).openPullRequest(draft));
    const crashed = openLocalForge({
      folder: path.join(fixture.folder, 'records'),
      repository: fixture.bare,
      onDurableStep: (name) => {
        if (name === 'merge-reference') throw new Error('killed');
      },
    });
    await expect(crashed.mergePullRequest(number)).rejects.toThrow('killed');
    const merged = unwrap(await forgeOf(fixture).mergePullRequest(number));
    expect(merged).toMatchObject({ state: 'merged', merge_oid: git(fixture.bare, ['rev-parse', 'main']) });
    expect(git(fixture.bare, ['rev-list', '--count', '--merges', 'main'])).toBe('1');
    expect(git(fixture.bare, ['show', 'main:a.txt'])).toBe('two');
    expect(unwrap(await forgeOf(fixture).mergePullRequest(number))).toEqual(merged);
  });

  it('names the conflicting paths and leaves the base alone', async () => {
    using fixture = createForgeFixture();
    const { number } = unwrap(await forgeOf(fixture).openPullRequest(draft));
    git(fixture.work, ['checkout', '--quiet', 'main']);
    writeFiles(fixture.work, { 'a.txt': 'three\n' });
    const moved = commitAll(fixture.work);
    git(fixture.work, ['push', '--quiet', fixture.bare, 'main']);
    const merged = await forgeOf(fixture).mergePullRequest(number);
    expect(merged).toMatchObject({ ok: false, error: { code: 'AC_PULL_REQUEST_CONFLICT' } });
    expect(JSON.stringify(merged)).toContain('a.txt');
    expect(git(fixture.bare, ['rev-parse', 'main'])).toBe(moved);
  });

  it('refuses a base that is checked out and names the line to run; sees the merge a person made', async () => {
    using fixture = createForgeFixture();
    git(fixture.work, ['checkout', '--quiet', 'main']);
    const forge = forgeOf(fixture, fixture.work);
    const { number } = unwrap(await forge.openPullRequest(draft));
    const refused = await forge.mergePullRequest(number);
    expect(refused).toMatchObject({ ok: false, error: { code: 'AC_PULL_REQUEST_CHECKED_OUT' } });
    expect(JSON.stringify(refused)).toContain(`git -C ${fixture.work} merge agent/change`);
    git(fixture.work, ['merge', '--quiet', 'agent/change']);
    expect(unwrap(await forge.showPullRequest(number)).state).toBe('merged');
  });

  it('closes the pull request of a deleted branch and says so at a merge', async () => {
    using fixture = createForgeFixture();
    const forge = forgeOf(fixture);
    const { number } = unwrap(await forge.openPullRequest(draft));
    git(fixture.bare, ['branch', '--quiet', '-D', 'agent/change']);
    expect(unwrap(await forge.findByKey(draft.key))).toMatchObject({ state: 'closed' });
    expect(await forge.mergePullRequest(number)).toMatchObject({ error: { code: 'AC_PULL_REQUEST_CLOSED' } });
  });

  it('goes on when git has cleaned up the commits of a deleted branch', async () => {
    using fixture = createForgeFixture();
    const forge = forgeOf(fixture);
    unwrap(await forge.openPullRequest(draft));
    git(fixture.bare, ['branch', '--quiet', '-D', 'agent/change']);
    git(fixture.bare, ['gc', '--quiet', '--prune=now']);
    expect(unwrap(await forge.listPullRequests())).toMatchObject([{ number: 1, state: 'closed' }]);
  });

  it('codes what it does not know', async () => {
    using fixture = createForgeFixture();
    const forge = forgeOf(fixture);
    expect(await forge.showPullRequest(7)).toMatchObject({ error: { code: 'AC_PULL_REQUEST_UNKNOWN' } });
    expect(await forge.openPullRequest({ ...draft, branch: 'agent/none' })).toMatchObject({
      error: { code: 'AC_PULL_REQUEST_BRANCH_UNKNOWN' },
    });
    expect(await forgeOf(fixture, path.join(fixture.folder, 'nowhere')).openPullRequest(draft)).toMatchObject({
      error: { code: 'AC_FORGE_UNREACHABLE' },
    });
  });
});
