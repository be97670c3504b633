import { unwrap } from '@agentcompany/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProjectRepositories } from '../repositories.ts';
import {
  craftedRequest,
  createGitFixture,
  git,
  ownContent,
  startRun,
  treeEntry,
  workerClone,
  writeObject,
} from '../testing/git-fixture.ts';

/** Makes the objects of one bad tree in a worker's clone; the tree and what else belongs to it. */
type MakeTree = (clone: string) => { readonly tree: string; readonly objects: readonly string[] };

function ofEntries(make: (blob: string, folder: string) => readonly Buffer[]): MakeTree {
  return (clone) => {
    const blob = writeObject(clone, 'blob', 'content');
    const folder = writeObject(clone, 'tree', treeEntry('100644', 'inner', blob));
    const tree = writeObject(clone, 'tree', Buffer.concat([...make(blob, folder)]));
    return { tree, objects: [blob, folder] };
  };
}

function link(name: string, target: string): MakeTree {
  return (clone) => {
    const blob = writeObject(clone, 'blob', target);
    return { tree: writeObject(clone, 'tree', treeEntry('120000', name, blob)), objects: [blob] };
  };
}

const zero = '0'.repeat(40);

const badTrees: readonly (readonly [what: string, code: string, rule: string, make: MakeTree])[] = [
  [
    'a folder named ..',
    'AC_INGEST_REFUSED',
    'hasDotdot',
    ofEntries((_blob, folder) => [treeEntry('40000', '..', folder)]),
  ],
  ['a folder named .', 'AC_INGEST_REFUSED', 'hasDot', ofEntries((_blob, folder) => [treeEntry('40000', '.', folder)])],
  [
    'a folder named .git',
    'AC_INGEST_REFUSED',
    'hasDotgit',
    ofEntries((_blob, folder) => [treeEntry('40000', '.git', folder)]),
  ],
  ['.GIT', 'AC_INGEST_REFUSED', 'hasDotgit', ofEntries((_blob, folder) => [treeEntry('40000', '.GIT', folder)])],
  [
    '.git and a space',
    'AC_INGEST_REFUSED',
    'hasDotgit',
    ofEntries((_blob, folder) => [treeEntry('40000', '.git ', folder)]),
  ],
  ['git~1', 'AC_INGEST_REFUSED', 'hasDotgit', ofEntries((_blob, folder) => [treeEntry('40000', 'git~1', folder)])],
  [
    '.git with an ignorable character',
    'AC_INGEST_REFUSED',
    'hasDotgit',
    ofEntries((_blob, folder) => [treeEntry('40000', '.g\u200cit', folder)]),
  ],
  ['a name with a slash', 'AC_INGEST_REFUSED', 'fullPathname', ofEntries((blob) => [treeEntry('100644', 'a/b', blob)])],
  [
    'a name that leads out',
    'AC_INGEST_REFUSED',
    'fullPathname',
    ofEntries((blob) => [treeEntry('100644', '../esc', blob)]),
  ],
  [
    'one name twice',
    'AC_INGEST_REFUSED',
    'duplicateEntries',
    ofEntries((blob) => [treeEntry('100644', 'a', blob), treeEntry('100755', 'a', blob)]),
  ],
  [
    'names out of order',
    'AC_INGEST_REFUSED',
    'treeNotSorted',
    ofEntries((blob) => [treeEntry('100644', 'b', blob), treeEntry('100644', 'a', blob)]),
  ],
  [
    'a padded mode',
    'AC_INGEST_REFUSED',
    'zeroPaddedFilemode',
    ofEntries((_blob, folder) => [treeEntry('040000', 'a', folder)]),
  ],
  ['an entry that is nothing', 'AC_INGEST_REFUSED', 'nullSha1', ofEntries(() => [treeEntry('160000', 'a', zero)])],
  ['.gitmodules as a link', 'AC_INGEST_REFUSED', 'gitmodulesSymlink', link('.gitmodules', 'a')],
  [
    'D as a link beside d as a folder',
    'AC_PATH_REFUSED',
    'collision',
    ofEntries((blob, folder) => [treeEntry('120000', 'D', blob), treeEntry('40000', 'd', folder)]),
  ],
  ['a link to /etc/passwd', 'AC_PATH_REFUSED', 'symlink-absolute', link('leak', '/etc/passwd')],
  ['a link that climbs out', 'AC_PATH_REFUSED', 'symlink-escapes', link('leak', '../outside')],
  ['a submodule', 'AC_PATH_REFUSED', 'gitlink', ofEntries(() => [treeEntry('160000', 'module', '1'.repeat(40))])],
  ['.gitattributes as a link', 'AC_PATH_REFUSED', 'git-file-symlink', link('.gitattributes', 'a')],
];

describe('bad trees', () => {
  const fixture = createGitFixture();
  let repositories: ProjectRepositories;
  let base: string;

  beforeAll(async () => {
    ({ repositories, base } = await startRun(fixture));
  });
  afterAll(() => fixture[Symbol.dispose]());

  it.each(badTrees)('S21 refuses %s by name, before mirror and vault', async (_what, code, rule, make) => {
    const clone = workerClone(fixture, base);
    const crafted = make(clone);
    const before = ownContent(fixture.mirrorFolder);
    const refused = await repositories.ingest(craftedRequest(fixture, clone, { base, ...crafted }));
    expect(refused).toMatchObject({ ok: false, error: { code } });
    expect(refused.ok ? '' : refused.error.message).toContain(`by rule ${rule}`);
    expect(ownContent(fixture.mirrorFolder)).toEqual(before);
    expect(ownContent(fixture.vaultFolder)).toEqual({ objects: new Set(), references: '' });
  });

  it('takes a crafted tree that is good, so that the refusals above mean something', async () => {
    const clone = workerClone(fixture, base);
    const crafted = ofEntries((blob, folder) => [treeEntry('100644', 'a', blob), treeEntry('40000', 'b', folder)])(
      clone,
    );
    const ingested = unwrap(await repositories.ingest(craftedRequest(fixture, clone, { base, ...crafted })));
    expect(git(fixture.vaultFolder, ['ls-tree', '-r', '--name-only', ingested.commit])).toBe('a\nb/inner');
  });
});
