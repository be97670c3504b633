import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { create } from 'tar';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unpack } from './unpack.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'demo-unpack-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (): string => path.join(folder, 'package.tgz');
const target = (): string => path.join(folder, 'repository');

function write(name: string, text: string): void {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), text);
}

describe('unpacking a published archive', () => {
  it('writes ordinary files alone, none of them executable, none that git or npm would obey', async () => {
    write('package/index.js', 'code');
    write('package/bin/run.js', 'code');
    chmodSync(path.join(folder, 'package/bin/run.js'), 0o755);
    for (const hostile of [
      '.git/hooks/pre-commit',
      '.GIT/config',
      '.gitattributes',
      'lib/.gitmodules',
      '.npmrc',
      'node_modules/x/index.js',
    ]) {
      write(`package/${hostile}`, 'hostile');
    }
    symlinkSync('/etc', path.join(folder, 'package/link'));
    await create({ file: file(), cwd: folder, gzip: true }, ['package']);
    expect(await unpack('x@1.0.0', file(), target())).toMatchObject({ ok: true });
    const found = readdirSync(target(), { recursive: true, withFileTypes: true }).filter(
      (entry) => !entry.isDirectory(),
    );
    expect(found.map((entry) => path.relative(target(), path.join(entry.parentPath, entry.name))).toSorted()).toEqual([
      'bin/run.js',
      'index.js',
    ]);
    expect(statSync(path.join(target(), 'bin/run.js')).mode & 0o111).toBe(0);
  });

  it('writes nothing outside its folder', async () => {
    write('package/index.js', 'code');
    write('escaped.js', 'hostile');
    await create(
      { file: file(), cwd: path.join(folder, 'package'), gzip: true, preservePaths: true, prefix: 'package' },
      ['index.js', '../escaped.js'],
    );
    rmSync(path.join(folder, 'escaped.js'));
    await unpack('x@1.0.0', file(), target());
    expect(existsSync(path.join(folder, 'escaped.js'))).toBe(false);
    expect(readFileSync(path.join(target(), 'index.js'), 'utf8')).toBe('code');
  });

  it('refuses an archive that grows beyond what one reads in a demo, before it is written', async () => {
    write('package/index.js', '');
    truncateSync(path.join(folder, 'package/index.js'), 65 * 1024 * 1024);
    await create({ file: file(), cwd: folder }, ['package']);
    expect(await unpack('x@1.0.0', file(), target())).toMatchObject({
      ok: false,
      error: { code: 'AC_DEMO_PACKAGE_UNSUITABLE' },
    });
    expect(readdirSync(target())).toEqual([]);
  });

  it('says of what is no archive that it cannot be unpacked', async () => {
    writeFileSync(file(), 'no archive');
    expect(await unpack('x@1.0.0', file(), target())).toMatchObject({
      ok: false,
      error: { code: 'AC_DEMO_PACKAGE_UNREADABLE' },
    });
  });
});
