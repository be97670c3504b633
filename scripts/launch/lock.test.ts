import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeLock } from './lock.mjs';

const module = JSON.stringify(new URL('lock.mjs', import.meta.url).href);
let root: string;
const children: ChildProcess[] = [];

/** A process that takes the lock, evaluates `result`, prints it, and does not end by itself. */
async function holder(result = 'null'): Promise<{ process: ChildProcess; result: string }> {
  const program = `
    import { spawn } from 'node:child_process';
    import { takeLock } from ${module};
    const lock = await takeLock(${JSON.stringify(root)}, () => {});
    console.log(String(${result}));
    process.stdin.resume();`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const [line] = await once(child.stdout, 'data');
  return { process: child, result: String(line).trim() };
}

async function killed(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

describe('the set-up lock', () => {
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'lock-'));
  });
  afterEach(async () => {
    await Promise.all(
      children
        .splice(0)
        .filter((child) => child.exitCode === null && child.signalCode === null)
        .map(killed),
    );
    rmSync(root, { recursive: true, force: true });
  });

  it('makes a second start wait until the first lets go, and names the owner', async () => {
    const first = await takeLock(root, () => {});
    const order: string[] = [];
    const told = Promise.withResolvers<string>();
    const second = takeLock(root, told.resolve).then((lock) => {
      order.push('second has it');
      return lock;
    });
    expect(await told.promise).toBe(`process ${process.pid}`);
    order.push('first lets go');
    await first.release();
    await (await second).release();
    expect(order).toEqual(['first lets go', 'second has it']);
  });

  it('is free at once after its owner was killed', async () => {
    await killed((await holder()).process);
    let waited = false;
    const lock = await takeLock(root, () => (waited = true));
    expect(waited).toBe(false);
    await lock.release();
  });

  it('passes to a waiting start when its owner is killed', async () => {
    const { process: owner } = await holder();
    const told = Promise.withResolvers<string>();
    const waiting = takeLock(root, told.resolve);
    expect(await told.promise).toBe(`process ${owner.pid}`);
    await killed(owner);
    await (await waiting).release();
  });

  it('stays taken while a step of a killed owner still runs', async () => {
    const { process: owner, result } = await holder(
      `spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'ignore', lock.fd], detached: true }).pid`,
    );
    const stepProcess = Number(result);
    await killed(owner);
    const told = Promise.withResolvers<string>();
    let taken = false;
    const waiting = takeLock(root, told.resolve).then((lock) => {
      taken = true;
      return lock;
    });
    expect(await told.promise).toBe('a step left by an earlier start');
    expect(taken).toBe(false);
    process.kill(stepProcess, 'SIGKILL');
    await (await waiting).release();
  });

  it('is one lock per checkout', async () => {
    const other = mkdtempSync(join(tmpdir(), 'lock-other-'));
    const first = await takeLock(root, () => {});
    let waited = false;
    const second = await takeLock(other, () => (waited = true));
    expect(waited).toBe(false);
    await Promise.all([first.release(), second.release()]);
    rmSync(other, { recursive: true });
  });
});
