import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bringPackage, checkIntegrity, packageVersion } from './packages.mjs';

let folder: string;
let archive: string;

/** Stands where npm-cli.js would: answers `pack NAME --pack-destination FOLDER` with the archive of this test. */
function npmThatPacks(): string {
  const script = join(folder, 'npm-cli.cjs');
  writeFileSync(
    script,
    `require('fs').copyFileSync(${JSON.stringify(archive)}, require('path').join(process.argv[process.argv.indexOf('--pack-destination') + 1], 'tool-1.2.3.tgz'));`,
  );
  return script;
}

function integrityOf(file: string): string {
  return `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
}

async function bring(integrity: string): Promise<string> {
  const target = join(folder, 'cache', 'tool');
  const pinned = { name: 'tool', version: '1.2.3', integrity };
  await bringPackage(pinned, {
    target,
    cache: join(folder, 'cache'),
    node: process.execPath,
    npm: npmThatPacks(),
    lockFd: null,
  });
  return target;
}

describe('bringing a pinned package', () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'packages-'));
    mkdirSync(join(folder, 'source', 'package'), { recursive: true });
    writeFileSync(join(folder, 'source', 'package', 'package.json'), '{"name":"tool","version":"1.2.3"}');
    archive = join(folder, 'archive.tgz');
    execFileSync('tar', ['-czf', archive, '-C', join(folder, 'source'), 'package']);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('unpacks an archive with the pinned sha512 and leaves nothing else behind', async () => {
    const target = await bring(integrityOf(archive));
    expect(packageVersion(target)).toBe('1.2.3');
    expect(readdirSync(join(folder, 'cache'))).toEqual(['tool']);
  });

  it('refuses another archive before anything of it is unpacked', async () => {
    const integrity = integrityOf(archive);
    writeFileSync(archive, Buffer.concat([readFileSync(archive), Buffer.from([0])]));
    await expect(bring(integrity)).rejects.toMatchObject({ code: 'AC_PACKAGE_INTEGRITY', exitCode: 4 });
    expect(readdirSync(join(folder, 'cache'))).toEqual([]);
    expect(() =>
      checkIntegrity(archive, { name: 'tool', version: '1.2.3', integrity: integrityOf(archive) }),
    ).not.toThrow();
  });

  it('replaces an older version, and keeps it where the new one is refused', async () => {
    const target = join(folder, 'cache', 'tool');
    mkdirSync(target, { recursive: true });
    writeFileSync(join(target, 'package.json'), '{"version":"1.0.0"}');
    await expect(bring('sha512-wrong')).rejects.toMatchObject({ code: 'AC_PACKAGE_INTEGRITY' });
    expect(packageVersion(target)).toBe('1.0.0');
    await bring(integrityOf(archive));
    expect(packageVersion(target)).toBe('1.2.3');
  });

  it('says what npm said where it cannot fetch', async () => {
    rmSync(archive);
    await expect(bring('sha512-any')).rejects.toMatchObject({
      code: 'AC_PACKAGE_FETCH',
      message: expect.stringContaining('ENOENT'),
    });
    expect(existsSync(join(folder, 'cache', 'tool'))).toBe(false);
  });
});
