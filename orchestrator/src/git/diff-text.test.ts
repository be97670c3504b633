import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileDifference, ProjectRepositories } from './repositories.ts';
import { commitAll, createGitFixture, writeFiles, type GitFixture } from './testing/git-fixture.ts';

let fixture: GitFixture;
let repositories: ProjectRepositories;
beforeEach(() => {
  fixture = createGitFixture({ 'a.txt': 'one\ntwo\n', 'gone.txt': 'gone\n', 'turned.txt': 'file\n', 'run.sh': 'ls\n' });
  repositories = fixture.open();
});
afterEach(() => fixture[Symbol.dispose]());

/** Commits what `change` does to the source; both commits, in the mirror. */
async function commits(change: () => void): Promise<readonly [string, string]> {
  unwrap(await repositories.synchronize());
  const from = unwrap(await repositories.branchTip('main'));
  change();
  commitAll(fixture.source);
  unwrap(await repositories.synchronize());
  return [from, unwrap(await repositories.branchTip('main'))];
}

async function differences(files: Readonly<Record<string, string>>): Promise<readonly FileDifference[]> {
  return unwrap(await repositories.diffText(...(await commits(() => writeFiles(fixture.source, files)))));
}

describe('the text of a difference', () => {
  it('gives hunks file by file: added, changed, removed, turned into a link, made executable', async () => {
    const at = (name: string): string => path.join(fixture.source, name);
    const pair = await commits(() => {
      writeFiles(fixture.source, { 'a.txt': 'one\n2\n', 'deep/new.txt': 'new\n', 'empty.txt': '' });
      for (const name of ['gone.txt', 'turned.txt']) rmSync(at(name));
      symlinkSync('a.txt', at('turned.txt'));
      chmodSync(at('run.sh'), 0o755);
    });
    const made = unwrap(await repositories.diffText(...pair));
    expect(made.map(({ path: name, status, shown, text }) => [name, status, shown, text])).toEqual([
      ['a.txt', 'M', 'text', '@@ -1,2 +1,2 @@\n one\n-two\n+2\n'],
      ['deep/new.txt', 'A', 'text', '@@ -0,0 +1 @@\n+new\n'],
      ['empty.txt', 'A', 'text', ''],
      ['gone.txt', 'D', 'text', '@@ -1 +0,0 @@\n-gone\n'],
      ['run.sh', 'M', 'text', ''],
      ['turned.txt', 'T', 'text', expect.stringContaining('+a.txt\n\\ No newline at end of file')],
    ]);
    expect(made[4]).toMatchObject({ old_mode: '100644', new_mode: '100755' });
  });

  it('S41 takes hostile names as names, and lets none stand among the lines', async () => {
    const names = ['--output=pwned', ':(glob)**', '*.txt', 'a\ndiff --git b', '-x', 'x @@ +approve'];
    const made = await differences(Object.fromEntries(names.map((name) => [name, `of ${name.length}\n`])));
    expect(new Set(made.map(({ path: name }) => name))).toEqual(new Set(names));
    for (const { path: name, text } of made) expect(text).toBe(`@@ -0,0 +1 @@\n+of ${name.length}\n`);
    const calls = fixture.calls.filter(([command, , patch]) => command === 'diff-tree' && patch === '-p');
    for (const call of calls) expect(call.indexOf('--')).toBe(call.length - 2);
    expect(calls).toHaveLength(names.length);
  });

  it('S41 shows text that the repository declares binary, or that holds a NUL, and runs nothing it names', async () => {
    const made = await differences({
      '.gitattributes': '*.js -diff\n*.ts binary\n*.md diff=evil\n',
      'a.js': 'backdoor();\n',
      'b.ts': 'const hidden = "\0"; backdoor();\n',
      'c.md': 'text\n',
    });
    expect(made.slice(1).map(({ shown, text }) => [shown, text.split('\n')[1]])).toEqual([
      ['text', '+backdoor();'],
      ['text', '+const hidden = "\0"; backdoor();'],
      ['text', '+text'],
    ]);
  });

  it('says what it does not show: no text, too large, beyond the whole', async () => {
    writeFileSync(path.join(fixture.source, 'logo.png'), Buffer.from(Array.from({ length: 900 }, (_, n) => n % 256)));
    const line = `${'x'.repeat(99)}\n`;
    const files = Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`many/${n}`, line.repeat(590)]));
    const made = await differences({ 'long.txt': line.repeat(700), 'huge.txt': line.repeat(12_000), ...files });
    const shown = Object.fromEntries(made.map(({ path: name, shown: how }) => [name, how]));
    expect(shown).toMatchObject({ 'logo.png': 'binary', 'long.txt': 'nothing', 'huge.txt': 'nothing' });
    expect(Object.entries(shown).filter(([name, how]) => name.startsWith('many/') && how === 'text')).toHaveLength(6);
    expect(made.every(({ shown: how, text }) => how === 'text' || text === '')).toBe(true);
  });

  it('names more files than it shows', async () => {
    mkdirSync(path.join(fixture.source, 'many'));
    const made = await differences(Object.fromEntries(Array.from({ length: 302 }, (_, n) => [`many/${n}`, `${n}\n`])));
    expect([made.length, made.filter(({ shown }) => shown === 'nothing').length]).toEqual([302, 2]);
  }, 30_000);

  it('refuses what is no commit', async () => {
    unwrap(await repositories.synchronize());
    expect(await repositories.diffText('--all', 'HEAD')).toMatchObject({ error: { code: 'AC_OBJECT_NAME_INVALID' } });
  });
});
