import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { engineOwner, takeEngineLock } from './engine-lock.ts';

let folder: string;
let lockFile: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'engine-lock-'));
  lockFile = join(folder, 'lock.db');
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

/** Another process that takes the lock and holds it until it is killed. */
async function holdElsewhere(): Promise<ChildProcess> {
  const program = `
    const { takeEngineLock } = await import(${JSON.stringify(new URL('engine-lock.ts', import.meta.url).href)});
    const taken = takeEngineLock(${JSON.stringify(lockFile)});
    process.stdout.write(taken.ok ? 'held' : taken.error.code);
    // Whoever lets go of it has lost it at the next garbage collection.
    setInterval(() => taken, 1000);
  `;
  const child = spawn(process.execPath, ['--conditions=development', '--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  expect(said.toString()).toBe('held');
  return child;
}

describe('the lock of the engine', () => {
  it('S81 is refused to a second process, which is told whose it is, and free once that one is killed', async () => {
    const holder = await holdElsewhere();
    expect(takeEngineLock(lockFile)).toMatchObject({
      ok: false,
      error: { code: 'AC_ENGINE_RUNNING', message: expect.stringContaining(String(holder.pid)) as string },
    });
    expect(engineOwner(lockFile)).toBe(holder.pid);
    const gone = once(holder, 'exit');
    holder.kill('SIGKILL');
    await gone;
    expect(engineOwner(lockFile)).toBeNull();
    const lock = unwrap(takeEngineLock(lockFile));
    expect(engineOwner(lockFile)).toBe(process.pid);
    lock.release();
    expect(engineOwner(lockFile)).toBeNull();
  });

  it('is one for all engines of this process too', () => {
    const lock = unwrap(takeEngineLock(lockFile));
    expect(takeEngineLock(lockFile)).toMatchObject({ ok: false, error: { code: 'AC_ENGINE_RUNNING' } });
    lock.release();
    unwrap(takeEngineLock(lockFile)).release();
  });

  it('waits a moment for a command that only asks who holds it', async () => {
    unwrap(takeEngineLock(lockFile)).release();
    const program = `
      import Database from 'better-sqlite3';
      const database = new Database(${JSON.stringify(lockFile)}, { timeout: 0 });
      database.exec('BEGIN EXCLUSIVE');
      process.stdout.write('held');
      setTimeout(() => database.close(), 100);
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    await once(child.stdout, 'data');
    expect(() => new Database(lockFile, { timeout: 0 }).exec('BEGIN EXCLUSIVE')).toThrow(/locked/);
    const lock = unwrap(takeEngineLock(lockFile));
    lock.release();
  });
});
