import { describe, expect, it } from 'vitest';
import { judgePaths } from './path-policy.ts';
import { protectedPaths } from './protected-paths.ts';
import type { RawChange } from './raw-diff.ts';

const oid = '1'.repeat(40);

function added(path: string, newMode = '100644'): RawChange {
  return {
    path,
    status: 'A',
    old_mode: '000000',
    new_mode: newMode,
    oldOid: '0'.repeat(40),
    newOid: oid,
    isText: true,
  };
}

function modified(path: string, oldMode = '100644', newMode = oldMode): RawChange {
  return {
    ...added(path, newMode),
    status: oldMode === newMode ? 'M' : 'T',
    old_mode: oldMode,
    oldOid: '2'.repeat(40),
  };
}

function judge(changes: readonly RawChange[], others: readonly string[] = [], target = ''): string | null {
  const kept = changes.filter(({ status }) => status !== 'D').map(({ path }) => path);
  return judgePaths(changes, [...others, ...kept], new Map([[oid, Buffer.from(target)]]))?.rule ?? null;
}

const names: readonly (readonly [path: string, rule: string])[] = [
  ['GIT~1', 'short-name'],
  ['a/git~2/b', 'short-name'],
  ['GITMOD~1', 'short-name'],
  ['.git', 'git-folder'],
  ['a/.GIT/config', 'git-folder'],
  ['a/.git. /config', 'git-folder'],
  ['.g\u200cit/config', 'git-folder'],
  ['.git::$INDEX_ALLOCATION/config', 'git-folder'],
  ['trailing.', 'trailing-dot-or-space'],
  ['trailing ', 'trailing-dot-or-space'],
  ['folder /file', 'trailing-dot-or-space'],
  ['CON', 'reserved-name'],
  ['src/aux.ts', 'reserved-name'],
  ['com1.txt', 'reserved-name'],
  ['a:b', 'colon'],
  ['a\\b', 'backslash'],
  ['a\u001bb', 'control-character'],
  ['a\rb', 'control-character'],
  ['../out', 'dot-name'],
  ['a//b', 'dot-name'],
  ['x'.repeat(256), 'long-name'],
  ['x/'.repeat(2100) + 'x', 'long-path'],
];

const links: readonly (readonly [link: string, target: string, rule: string | null])[] = [
  ['leak', '/etc/passwd', 'symlink-absolute'],
  ['leak', 'C:/Windows', 'symlink-absolute'],
  ['leak', '..', 'symlink-escapes'],
  ['a/b/leak', '../../../x', 'symlink-escapes'],
  ['a/leak', 'b/../../../x', 'symlink-escapes'],
  ['leak', 'dir/..', 'symlink-escapes'],
  ['leak', '.git/config', 'symlink-git-folder'],
  ['leak', 'a\\..\\b', 'symlink-target'],
  ['leak', '', 'symlink-target'],
  ['leak', 'a\nb', 'symlink-target'],
  ['.gitattributes', 'a', 'git-file-symlink'],
  ['sub/.gitmodules', 'a', 'git-file-symlink'],
  ['.GITIGNORE', 'a', 'git-file-symlink'],
  ['a/b/fine', '../../README.md', null],
  ['fine', 'docs/page.md', null],
];

describe('the path policy', () => {
  it.each(names)('S22 refuses the name %j as %s', (path, rule) => {
    expect(judge([added(path)])).toBe(rule);
  });

  it('S22 refuses a name that is not UTF-8', () => {
    expect(judge([{ ...added('caf\ufffd'), isText: false }])).toBe('not-utf8');
  });

  it.each([
    ['D', 'd/file'],
    ['dir/File', 'dir/file'],
    ['DIR/one', 'dir/two'],
    ['caf\u00e9', 'cafe\u0301'],
    ['a\u200cb', 'ab'],
    ['Stra\u00dfe', 'STRASSE'],
  ])('S22 refuses %j beside %j', (one, other) => {
    expect(judge([added(one)], [other])).toBe('collision');
    expect(judge([added(one), added(other)])).toBe('collision');
  });

  it.each(links)('S22 judges the link %j to %j as %s', (link, target, rule) => {
    expect(judge([added(link, '120000')], [], target)).toBe(rule);
  });

  it('S22 refuses a gitlink, new or moved, and a file mode git does not know', () => {
    expect(judge([added('module', '160000')])).toBe('gitlink');
    expect(judge([modified('module', '160000')])).toBe('gitlink');
    expect(judge([added('odd', '100664')])).toBe('file-mode');
  });

  it('S22 refuses a folder that git would take for a repository', () => {
    const files = ['sub/HEAD', 'sub/config', 'sub/objects/x', 'sub/refs/heads/x'].map((path) => added(path));
    expect(judge(files)).toBe('embedded-repository');
    expect(judge([added('sub/config')], ['sub/HEAD', 'sub/objects/x', 'sub/refs/x'])).toBe('embedded-repository');
    expect(judge([added('other')], ['sub/HEAD', 'sub/objects/x', 'sub/refs/x'])).toBeNull();
  });

  it('leaves alone what the base already held', () => {
    const oddities = ['CON', 'aux.c', 'a:b', 'Makefile', 'makefile', 'trailing.'];
    expect(
      judge(
        oddities.map((path) => modified(path)),
        oddities,
      ),
    ).toBeNull();
    expect(judge([added('new.txt')], oddities)).toBeNull();
    expect(judge([{ ...modified('CON'), status: 'D', new_mode: '000000' }])).toBeNull();
  });

  it('sees the collision when a file of the base becomes a link', () => {
    expect(judge([modified('D', '100644', '120000')], ['d/file'], 'x')).toBe('collision');
  });

  it('lets a rename by case pass: the old name is gone', () => {
    expect(judge([added('readme.md'), { ...modified('README.md'), status: 'D', new_mode: '000000' }])).toBeNull();
  });
});

describe('protected paths', () => {
  const none = new Map<string, Buffer>();

  it.each([
    '.github/workflows/ci.yml',
    '.GitHub/x',
    '.gitlab-ci.yml',
    'Jenkinsfile',
    'a/action.yml',
    'docs/CODEOWNERS',
    '.gitattributes',
    'a/.gitmodules',
    '.husky/pre-commit',
    '.devcontainer/x',
    '.vscode/settings.json',
    '.claude/x',
    '.mcp.json',
    'AGENTS.md',
    'sub/CLAUDE.md',
    'package-lock.json',
    'a/yarn.lock',
    'Cargo.lock',
  ])('S35 reserves %s for a person', (path) => {
    expect(protectedPaths([modified(path)], none)).toEqual([path]);
    expect(protectedPaths([{ ...modified(path), status: 'D', new_mode: '000000' }], none)).toEqual([path]);
  });

  it('S35 reserves new executables and links, not ordinary files', () => {
    expect(protectedPaths([added('run', '100755')], none)).toEqual(['run']);
    expect(protectedPaths([modified('run', '100644', '100755')], none)).toEqual(['run']);
    expect(protectedPaths([modified('run', '100755')], none)).toEqual([]);
    expect(protectedPaths([added('link', '120000')], none)).toEqual(['link']);
    expect(protectedPaths([added('src/index.ts')], none)).toEqual([]);
  });

  it('S35 reserves a manifest whose scripts change, and no other change of it', () => {
    const change = modified('package.json');
    const contents = (before: string, after: string): Map<string, Buffer> =>
      new Map([
        [change.oldOid, Buffer.from(before)],
        [change.newOid, Buffer.from(after)],
      ]);
    const same = contents('{"version":"1","scripts":{"a":"b"}}', '{"version":"2","scripts":{"a":"b"}}');
    expect(protectedPaths([change], same)).toEqual([]);
    expect(protectedPaths([change], contents('{"scripts":{"a":"b"}}', '{"scripts":{"a":"c"}}'))).toEqual([
      'package.json',
    ]);
    expect(protectedPaths([change], contents('{}', '{"scripts":{"postinstall":"x"}}'))).toEqual(['package.json']);
    expect(protectedPaths([change], contents('{}', 'not json'))).toEqual(['package.json']);
    expect(protectedPaths([change], none)).toEqual(['package.json']);
  });
});
