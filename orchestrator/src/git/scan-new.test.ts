import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FoundInNew, ProjectRepositories } from './repositories.ts';
import { commitAll, createGitFixture, writeFiles, type GitFixture } from './testing/git-fixture.ts';

let fixture: GitFixture;
let repositories: ProjectRepositories;
beforeEach(() => {
  fixture = createGitFixture({ 'a.txt': 'one\n', 'old.txt': 'CANARY of old\n' });
  repositories = fixture.open();
});
afterEach(() => fixture[Symbol.dispose]());

const find = (text: string): readonly string[] => (text.includes('CANARY') ? ['the canary'] : []);

/** What is found between the source's first commit and its present one. */
async function search(...changes: readonly (() => void)[]): Promise<readonly FoundInNew[]> {
  unwrap(await repositories.synchronize());
  const from = unwrap(await repositories.branchTip('main'));
  for (const change of changes) {
    change();
    commitAll(fixture.source);
  }
  unwrap(await repositories.synchronize());
  return unwrap(await repositories.scanNew({ from, to: unwrap(await repositories.branchTip('main')), find }));
}

describe('a search in what is new', () => {
  it('S43 finds it in contents, in bytes as well, and in names, which it does not repeat', async () => {
    const found = await search(() => {
      writeFiles(fixture.source, { 'a.txt': 'one\nCANARY\n', 'CANARY/x': 'CANARY\n', 'ok.txt': 'fine\n' });
      writeFileSync(path.join(fixture.source, 'b.bin'), Buffer.from('\0\xffCANARY\0', 'latin1'));
    });
    const paths = found.map(({ path: name }) => String(name));
    expect(paths.toSorted()).toEqual(['a.txt', 'b.bin', 'null', 'null']);
  });

  it('S43 finds what a later commit took away again, for a push hands it on', async () => {
    const found = await search(
      () => writeFiles(fixture.source, { 'b.txt': 'CANARY\n' }),
      () => rmSync(path.join(fixture.source, 'b.txt')),
    );
    expect(found).toEqual([{ path: 'b.txt', what: 'the canary' }]);
  });

  it('S43 says nothing of what was there before', async () => {
    expect(await search(() => writeFiles(fixture.source, { 'a.txt': 'two\n' }))).toEqual([]);
  });

  it('refuses what is no commit', async () => {
    unwrap(await repositories.synchronize());
    const refused = await repositories.scanNew({ from: '--all', to: 'HEAD', find });
    expect(refused).toMatchObject({ error: { code: 'AC_OBJECT_NAME_INVALID' } });
  });
});
