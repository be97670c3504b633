import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf, filesBelow, runStamped } from './steps.mjs';

let folder: string;

function step(inputs: string, run: () => Promise<void>, present = true): Promise<boolean> {
  return runStamped({
    name: 'step',
    stamps: folder,
    inputs,
    present: () => present,
    run,
    say: () => {},
    doing: 'working',
  });
}

const nothing = (): Promise<void> => Promise.resolve();

describe('stamped steps', () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'steps-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('runs once for the same inputs, again for others and when its outputs are gone', async () => {
    expect(await step('a', nothing)).toBe(true);
    expect(await step('a', nothing)).toBe(false);
    expect(await step('b', nothing)).toBe(true);
    expect(await step('b', nothing, false)).toBe(true);
    expect(await step('b', nothing)).toBe(false);
  });

  it('leaves no stamp when it fails, not even the former one', async () => {
    await step('a', nothing);
    await expect(step('b', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(existsSync(join(folder, 'step.stamp'))).toBe(false);
    expect(await step('a', nothing)).toBe(true);
  });

  it('leaves no stamp when the process is killed in the middle', async () => {
    await step('a', nothing);
    const program = `
      import { runStamped } from ${JSON.stringify(new URL('steps.mjs', import.meta.url).href)};
      const run = () => new Promise(() => { console.log('in it'); process.stdin.resume(); });
      await runStamped({ name: 'step', stamps: ${JSON.stringify(folder)}, inputs: 'b', present: () => true, run, say: () => {}, doing: '' });`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(existsSync(join(folder, 'step.stamp'))).toBe(false);
  });

  it('tells inputs apart by content, by name, by absence and by value', () => {
    const file = join(folder, 'input');
    const other = join(folder, 'other');
    const seen = [digestOf(folder, [file], ['1'])];
    writeFileSync(file, '');
    seen.push(digestOf(folder, [file], ['1']));
    writeFileSync(file, 'x');
    seen.push(digestOf(folder, [file], ['1']), digestOf(folder, [file], ['2']), digestOf(folder, [file], ['1', '']));
    writeFileSync(other, 'x');
    seen.push(digestOf(folder, [other], ['1']));
    expect(new Set(seen).size).toBe(seen.length);
    expect(digestOf(folder, [other, file], [])).toBe(digestOf(folder, [file, other], []));
  });

  it('takes sources, not what was made of them', () => {
    for (const name of ['src', 'dist', 'node_modules', '.cache']) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'file'), name);
    }
    expect(filesBelow(folder)).toEqual([join(folder, 'src', 'file')]);
  });
});
