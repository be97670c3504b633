import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ProcessRequest } from '../capped-process.ts';
import { readyProgramStarter } from '../testing/ready-program-starter.ts';
import { createProgramStarter, type ProgramStarter } from './program-starter.ts';

const patience = { timeout: 20_000, interval: 20 };
const folders: string[] = [];

function freshFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'agentcompany-starter-'));
  folders.push(folder);
  return folder;
}

function shell(script: string, timeoutMs = 60_000): ProcessRequest {
  const environment = { PATH: '/usr/bin:/bin' };
  return { command: 'sh', arguments: ['-c', script], environment, outputLimit: 1000, timeoutMs };
}

async function parentOfProgram(starter: ProgramStarter): Promise<number> {
  const outcome = await starter.run(shell('echo $PPID'));
  return outcome.end === 'exited' ? Number(outcome.stdout.toString()) : NaN;
}

/** A script that says its process id in a file and then does `rest`; the id once it runs. */
function marked(rest: string): { readonly script: string; readonly pid: () => Promise<number> } {
  const file = path.join(freshFolder(), 'pid');
  const script = `echo $$ > ${file}.part; mv ${file}.part ${file}; ${rest}`;
  const read = (): number => Number(readFileSync(file, 'utf8'));
  return { script, pid: () => vi.waitFor(read, patience) };
}

/** Gone, or dead and not yet collected by whoever inherited it. */
function isGone(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return true;
  return / [ZX] /u.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
}

async function untilGone(pid: number): Promise<void> {
  await vi.waitFor(() => expect(isGone(pid)).toBe(true), patience);
}

describe('the starter of programs', () => {
  afterEach(() => {
    vi.useRealTimers();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  it('has no process before it is told to start and none after its end, and runs programs all the same', async () => {
    const starter = createProgramStarter();
    expect(await parentOfProgram(starter)).toBe(process.pid);
    const ready = await readyProgramStarter();
    const pid = await ready.pid();
    expect(await parentOfProgram(ready.starter)).toBe(pid);
    await ready.starter.close();
    expect(isGone(pid)).toBe(true);
    expect(await parentOfProgram(ready.starter)).toBe(process.pid);
    expect(ready.told.map(({ event }) => event)).toEqual(['program-starter-started']);
  });

  it('ends when what is under way has ended, not before', async () => {
    const ready = await readyProgramStarter();
    const outcomes: unknown[] = [];
    const running = ready.starter.run(shell('sleep 0.3; echo done')).then((outcome) => outcomes.push(outcome));
    await ready.starter.close();
    expect(outcomes).toMatchObject([{ stdout: Buffer.from('done\n') }]);
    await running;
  });

  it('gives its process neither environment nor flags, and a group that no terminal reaches', async () => {
    await using ready = await readyProgramStarter();
    const pid = await ready.pid();
    const variables = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
    expect(variables.filter((line) => line !== '' && !line.startsWith('NODE_CHANNEL_'))).toEqual([]);
    expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')).toHaveLength(3);
    expect(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[2]).toBe(String(pid));
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(pid, signal);
    expect(await parentOfProgram(ready.starter)).toBe(pid);
  });

  it('S39 loses what is under way when its process is killed, ends it, and starts another process', async () => {
    await using ready = await readyProgramStarter();
    const program = marked('sleep 60');
    const running = ready.starter.run(shell(program.script));
    const programPid = await program.pid();
    const first = await ready.pid();
    process.kill(first, 'SIGKILL');
    expect(await running).toEqual({ end: 'lost' });
    await untilGone(programPid);
    const end = { exitCode: null, signal: 'SIGKILL', error: null, isReplaced: true };
    expect(ready.told.at(-1)).toEqual({ event: 'program-starter-ended', details: end });
    // The first call after it is answered while the next process is on its way.
    expect(await ready.starter.run(shell('exit 3'))).toMatchObject({ end: 'exited', exitCode: 3 });
    const second = await ready.pid();
    expect(second).not.toBe(first);
    expect(await parentOfProgram(ready.starter)).toBe(second);
  });

  it('kills a process that does not answer, so that no call hangs', async () => {
    await using ready = await readyProgramStarter();
    process.kill(await ready.pid(), 'SIGSTOP');
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const running = ready.starter.run(shell('true', 1000));
    await vi.advanceTimersByTimeAsync(10_999);
    expect(ready.told).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await running).toEqual({ end: 'lost' });
  });

  it('goes without where the process does not come up, and says so', async () => {
    const node = process.execPath;
    const told: unknown[] = [];
    const starter = createProgramStarter();
    process.execPath = '/bin/false';
    try {
      starter.start((event, details) => told.push({ event, details }));
      await vi.waitFor(() => expect(told).toHaveLength(1), patience);
    } finally {
      process.execPath = node;
    }
    const end = { exitCode: 1, signal: null, error: null, isReplaced: false };
    expect(told).toEqual([{ event: 'program-starter-ended', details: end }]);
    expect(await parentOfProgram(starter)).toBe(process.pid);
    await starter.close();
  });

  it('S39 leaves nothing behind when its engine is killed: programs are asked to end, then ended', async () => {
    const asked = path.join(freshFolder(), 'asked');
    const program = marked(`trap 'touch ${asked}' TERM; while :; do sleep 1; done`);
    const engine = startEngine(program.script);
    const [starterPid] = await once(createInterface(engine.stdout), 'line');
    const programPid = await program.pid();
    engine.kill('SIGKILL');
    await untilGone(programPid);
    await untilGone(Number(starterPid));
    expect(existsSync(asked)).toBe(true);
  });

  it('keeps no process up', async () => {
    const engine = startEngine();
    const [starterPid] = await once(createInterface(engine.stdout), 'line');
    const [exitCode] = await once(engine, 'exit');
    expect(exitCode).toBe(0);
    await untilGone(Number(starterPid));
  });
});

function startEngine(...script: readonly string[]) {
  const file = path.join(import.meta.dirname, '..', 'testing', 'program-starter-child.ts');
  return spawn(process.execPath, ['--conditions=development', file, ...script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}
