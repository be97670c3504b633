import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { install } from './install.mjs';
import { npmPackage } from './node.mjs';

let root: string;

/** A checkout whose `.cache/npm` holds a program that does to it what an npm would. */
function npmThatDoes(program: string): void {
  const bin = join(root, '.cache', 'npm', 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(
    join(root, '.cache', 'npm', 'package.json'),
    JSON.stringify({ version: npmPackage.version, type: 'commonjs' }),
  );
  const prelude = `const fs = require('fs'); fs.appendFileSync('calls', process.argv.slice(2).join(' ') + '\\n'); fs.mkdirSync('node_modules', { recursive: true });`;
  writeFileSync(
    join(bin, 'npm-cli.js'),
    `${prelude} fs.writeFileSync('node_modules/.package-lock.json', '{}'); ${program}`,
  );
}

const start = (): Promise<boolean> => install(root, { lockFd: null, say: () => {} });
const calls = (): string[] =>
  existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8').trim().split('\n') : [];

describe('installing packages', () => {
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'install-'));
    mkdirSync(join(root, 'part'));
    writeFileSync(join(root, 'package.json'), '{"workspaces":["part"]}');
    writeFileSync(join(root, 'part', 'package.json'), '{"name":"part"}');
    writeFileSync(join(root, 'package-lock.json'), '{"lock":1}');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('runs no install script, once, and again when a workspace asks for something else or node_modules is gone', async () => {
    npmThatDoes('');
    expect(await start()).toBe(true);
    expect(await start()).toBe(false);
    expect(calls()).toEqual([expect.stringMatching(/^install --ignore-scripts /)]);
    writeFileSync(join(root, 'part', 'package.json'), '{"name":"part","dependencies":{}}');
    expect(await start()).toBe(true);
    rmSync(join(root, 'node_modules'), { recursive: true });
    expect(await start()).toBe(true);
    expect(calls()).toHaveLength(3);
  });

  it('refuses an install that changes one byte of the lockfile, puts it back, and refuses again', async () => {
    npmThatDoes(`fs.appendFileSync('package-lock.json', ' ');`);
    for (let round = 0; round < 2; round++) {
      await expect(start()).rejects.toMatchObject({ code: 'AC_LOCKFILE_CHANGED', exitCode: 4 });
      expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).toBe('{"lock":1}');
      expect(readFileSync(join(root, '.cache', 'package-lock.rejected.json'), 'utf8')).toBe('{"lock":1} ');
    }
  });

  it('shows what npm said when it fails, and starts over next time', async () => {
    npmThatDoes(`console.error('E404 no such package'); process.exit(1);`);
    await expect(start()).rejects.toMatchObject({
      code: 'AC_INSTALL_FAILED',
      message: expect.stringContaining('E404 no such package'),
    });
    npmThatDoes('');
    expect(await start()).toBe(true);
  });
});
