import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pass } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';

const source = new URL('process-io.ts', import.meta.url).href;

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

/** A program that heeds `heeded` interrupts and never ends by itself. */
async function stubborn(heeded: number) {
  const code = `const { processIo } = await import(${JSON.stringify(source)});
    processIo().onInterrupt(() => console.log('heard'), ${heeded});
    setInterval(() => {}, 1000);
    console.log('ready');`;
  const child = spawn(process.execPath, ['--conditions=development', '--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  const ended = once(child, 'close').then(([status]) => Number(status));
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += chunk));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => String((await lines.next()).value);
  expect(await line()).toBe('ready');
  return { child, ended, line, errors: () => errors };
}

describe('interrupts of the command line', () => {
  it('S80 the second ends a program that does not come to its end, at once and with 130', async () => {
    const { child, ended, line, errors } = await stubborn(1);
    child.kill('SIGINT');
    expect(await line()).toBe('heard');
    // The same Ctrl-C that arrives on another way is none.
    child.kill('SIGTERM');
    await pass(700);
    expect(child.exitCode).toBeNull();
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(errors()).toContain('Ended at once');
  });

  it('S80 a command that knows what to do with two of them is ended by the third', async () => {
    const { child, ended, line } = await stubborn(2);
    for (let count = 0; count < 2; count += 1) {
      child.kill('SIGTERM');
      expect(await line()).toBe('heard');
      await pass(600);
    }
    child.kill('SIGTERM');
    expect(await ended).toBe(130);
  });
});
