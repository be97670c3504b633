import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const checkout = fileURLToPath(new URL('..', import.meta.url));
let clone: string;

/** A start of the launcher in the clone; resolves with how it ended and what it said. */
function start(...args: string[]): {
  child: ChildProcess;
  ended: Promise<{ code: number | null; said: string }>;
  says: (text: string) => Promise<void>;
} {
  const child = spawn(process.execPath, [join(clone, 'scripts', 'launch.mjs'), ...args], {
    cwd: clone,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  const heard = new Set<() => void>();
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    for (const listener of heard) listener();
  });
  const ended = once(child, 'close').then(([code]) => ({ code: typeof code === 'number' ? code : null, said }));
  const says = (text: string): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const listener = (): void => (said.includes(text) ? resolve() : undefined);
    heard.add(listener);
    listener();
    return promise;
  };
  return { child, ended, says };
}

describe('starting in a fresh clone', () => {
  beforeAll(() => {
    clone = realpathSync(mkdtempSync(join(tmpdir(), 'clone-')));
    const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: checkout,
      encoding: 'utf8',
    });
    for (const file of files.split('\0').filter((name) => name !== '' && existsSync(join(checkout, name)))) {
      mkdirSync(dirname(join(clone, file)), { recursive: true });
      cpSync(join(checkout, file), join(clone, file));
    }
  });
  afterAll(() => rmSync(clone, { recursive: true, force: true }));

  it('sets up whole after a kill in the middle, once for two starts at a time, and is quick and silent from then on', async () => {
    const killed = start('build');
    await killed.says('Installing packages');
    killed.child.kill('SIGKILL');
    await killed.ended;
    expect(existsSync(join(clone, '.cache', 'stamps', 'install.stamp'))).toBe(false);

    const left = join(clone, '.cache', 'image-left');
    mkdirSync(left, { recursive: true });

    const both = await Promise.all([start('build').ended, start('build').ended]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    const said = both.map((one) => one.said).join('');
    expect(said.split('Installing packages')).toHaveLength(2);
    expect(said.split('Building')).toHaveLength(2);
    expect(said).toContain('Waiting for another start');
    expect(existsSync(left)).toBe(false);

    const began = performance.now();
    const again = await start('build').ended;
    expect(again).toEqual({ code: 0, said: '' });
    expect(performance.now() - began).toBeLessThan(3000);
  });

  it('lists its commands, and refuses another with code 2', async () => {
    const { code, said } = await start('dance').ended;
    expect(code).toBe(2);
    for (const command of ['demo', 'test', 'test:unit', 'check', 'build', 'bench', 'requirements', 'cli'])
      expect(said).toContain(`  ${command} `);
  });
});
