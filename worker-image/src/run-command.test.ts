import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { runCommand, type Command } from './run-command.ts';

const shell = (script: string, more: Partial<Command> = {}) =>
  runCommand({
    program: 'sh',
    args: ['-c', script],
    folder: tmpdir(),
    environment: { PATH: process.env['PATH'] ?? '' },
    timeoutSeconds: 20,
    onOutput: () => undefined,
    ...more,
  });

/** Ended processes that nobody has waited for yet still have an entry, in state Z. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('running a command', () => {
  it('gives its exit code and both outputs, with an empty input', async () => {
    const end = await shell('cat; echo out; echo err >&2; exit 3');
    expect(end).toMatchObject({ exitCode: 3, timedOut: false, signal: null });
    expect(end.output.split('\n').toSorted().join()).toBe(',err,out');
  });

  it('ends the whole group when its time is up', async () => {
    const end = await shell('sleep 60 & echo $!; wait', { timeoutSeconds: 0.3 });
    expect(end).toMatchObject({ exitCode: null, timedOut: true });
    const child = Number(end.output.trim());
    await expect.poll(() => isRunning(child)).toBe(false);
  });

  it('kills what the command left running, and does not wait for it', async () => {
    const end = await shell('sleep 60 & echo $!');
    expect(end.exitCode).toBe(0);
    expect(end.durationMs).toBeLessThan(10_000);
    await expect.poll(() => isRunning(Number(end.output.trim()))).toBe(false);
  });

  it('reports a program that is absent as 127, one that a signal ended as null', async () => {
    expect((await shell('', { program: 'no-such-program' })).exitCode).toBe(127);
    expect(await shell('kill -KILL $$')).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
  });

  it('gives nothing of the environment it was not given', async () => {
    const end = await shell('env', { environment: { PATH: process.env['PATH'] ?? '', ONLY: 'this' } });
    expect(end.output.split('\n').filter((line) => !/^(PATH|ONLY|PWD|SHLVL|_|OLDPWD)=/.test(line))).toEqual(['']);
  });
});
