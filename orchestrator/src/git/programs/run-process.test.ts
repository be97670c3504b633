import { mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCappedProcess, type ProcessRequest, type RunProcess } from '../capped-process.ts';
import { readyProgramStarter, type ReadyProgramStarter } from '../testing/ready-program-starter.ts';

const environment = { PATH: '/usr/bin:/bin' };

function shell(script: string, rest: Partial<ProcessRequest> = {}): ProcessRequest {
  return { command: 'sh', arguments: ['-c', script], environment, outputLimit: 1000, timeoutMs: 20_000, ...rest };
}

describe.each(['this process', 'a small process'])('a program started from %s', (place) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'agentcompany-programs-'));
  let ready: ReadyProgramStarter | null = null;
  let run: RunProcess = runCappedProcess;

  beforeAll(async () => {
    if (place === 'this process') return;
    ready = await readyProgramStarter();
    run = ready.starter.run;
  });
  afterAll(async () => {
    await ready?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  it('is a child of that process, in a group of its own, in the root folder, with the environment it is given', async () => {
    const outcome = await run(shell('echo $PPID; ps -o pgid= -p $$; echo $$; pwd; env'));
    if (outcome.end !== 'exited') throw new Error(outcome.end);
    const [parent, group, own, working, ...variables] = outcome.stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => line.trim());
    expect(Number(parent)).toBe(ready === null ? process.pid : await ready.pid());
    expect(group).toBe(own);
    expect(working).toBe('/');
    expect(variables.filter((line) => !/^(?:_|PWD|OLDPWD|SHLVL)=/u.test(line))).toEqual(['PATH=/usr/bin:/bin']);
  });

  it('is told its arguments and input as they are, and says its output byte for byte', async () => {
    const odd = '$(touch x) "; \n\u{1f4a3}';
    const echoed = await run({ ...shell(''), command: 'printf', arguments: ['%s', odd] });
    expect(echoed).toEqual({ end: 'exited', exitCode: 0, stdout: Buffer.from(odd), stderr: '' });
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    const copied = await run(shell('cat; echo wrong >&2; exit 7', { input: bytes }));
    expect(copied).toEqual({ end: 'exited', exitCode: 7, stdout: Buffer.from(bytes), stderr: 'wrong\n' });
    expect(await run(shell('wc -c', { input: 'x'.repeat(3_000_000) }))).toMatchObject({
      stdout: Buffer.from('3000000\n'),
    });
  });

  it('reads a file from where it stands and writes into one, though their names are gone', async () => {
    const source = path.join(folder, 'source');
    const target = path.join(folder, 'target');
    writeFileSync(source, `${'h'.repeat(200_000)}body\n`);
    const descriptor = openSync(source, 'r');
    readSync(descriptor, Buffer.alloc(200_000), 0, 200_000, null);
    const outputDescriptor = openSync(target, 'wx+');
    rmSync(source);
    writeFileSync(source, 'another file of that name\n');
    const outcome = await run(shell('cat', { input: { descriptor }, outputDescriptor }));
    expect(outcome).toMatchObject({ end: 'exited', exitCode: 0, stdout: Buffer.alloc(0) });
    expect(readFileSync(target, 'utf8')).toBe('body\n');
  });

  it('ends with all its children when its time is up', async () => {
    // Its end is that of the pipe, which any child that lived on would hold open for twenty seconds, beyond this test's time.
    const slow = shell('sleep 20 & sleep 20', { timeoutMs: 100 });
    expect(await run(slow)).toEqual({ end: 'timeout' });
  });

  it('is ended when it never stops printing', async () => {
    expect(await run({ ...shell(''), command: 'yes', arguments: [] })).toEqual({ end: 'output-limit' });
  });

  it('cannot be one that is not there, and need not read its input', async () => {
    const outcome = await run({ ...shell(''), command: 'no-such-program' });
    expect(outcome).toMatchObject({ end: 'not-started', cause: { message: expect.stringContaining('ENOENT') } });
    expect(await run(shell('true', { input: 'x'.repeat(1_000_000) }))).toMatchObject({ end: 'exited', exitCode: 0 });
  });

  it('runs beside others', async () => {
    const slow = Array.from({ length: 20 }, (_, index) => run(shell(`sleep 0.2; echo ${index}`)));
    const outputs = (await Promise.all(slow)).map((outcome) => (outcome.end === 'exited' ? outcome.stdout : outcome));
    expect(outputs).toEqual(slow.map((_, index) => Buffer.from(`${index}\n`)));
  });
});
