import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bringNode, findNpm, isNewEnough, nodePackages, npmPackage } from './node.mjs';

let folder: string;

function npmAt(...path: string[]): string {
  const file = join(folder, ...path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '#!/usr/bin/env node\n');
  chmodSync(file, 0o755);
  return file;
}

describe('finding Node and npm', () => {
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'node-')));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['v18.20.4', false],
    ['v24.11.9', false],
    ['v24.12.0', true],
    ['24.21.0', true],
    ['v25.0.0', true],
  ])('Node %s new enough: %s', (version, expected) => {
    expect(isNewEnough(version)).toBe(expected);
  });

  it('pins every package to an exact version with a sha512', () => {
    for (const pinned of [...Object.values(nodePackages), npmPackage]) {
      expect(pinned.version).toMatch(/^\d+\.\d+\.\d+$/);
      expect(Buffer.from(pinned.integrity.replace(/^sha512-/, ''), 'base64')).toHaveLength(64);
    }
    for (const { version } of Object.values(nodePackages)) expect(isNewEnough(version)).toBe(true);
  });

  it('takes the npm that started us, then the one beside Node, then the one on the PATH', () => {
    const onPath = npmAt('lib', 'npm-cli.js');
    mkdirSync(join(folder, 'path'));
    symlinkSync(onPath, join(folder, 'path', 'npm'));
    const environment = { PATH: join(folder, 'path') };
    const node = join(folder, 'node24', 'bin', 'node');
    expect(findNpm(environment, node)).toBe(onPath);
    const beside = npmAt('node24', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
    expect(findNpm(environment, node)).toBe(beside);
    const started = npmAt('started', 'npm-cli.js');
    expect(findNpm({ ...environment, npm_execpath: started }, node)).toBe(started);
    expect(findNpm({ ...environment, npm_execpath: npmAt('yarn', 'yarn.js') }, node)).toBe(beside);
  });

  it('says so where there is no npm, and where no Node can be brought', async () => {
    expect(() => findNpm({ PATH: folder }, join(folder, 'node'))).toThrow(
      expect.objectContaining({ code: 'AC_NPM_ABSENT' }),
    );
    await expect(bringNode(folder, { lockFd: null, say: () => {}, platform: 'plan9-mips' })).rejects.toMatchObject({
      code: 'AC_NODE_UNAVAILABLE',
      exitCode: 4,
    });
  });
});
