import { readdirSync } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import { unwrap } from '@agentcompany/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtimesUnderTest, type OpenRuntime } from './testing/runtimes.ts';
import { testLimits, WorkerFixture, type Finished } from './testing/worker-fixture.ts';
import { makeRuntime } from './testing/worker-runtime.ts';
import type { WorkerRunnerOptions } from './sealed-worker-runner.ts';
import type { WorkerJob } from './worker-runner.ts';

/** A worker that speaks HTTP/2, and answers pings, but never asks for anything. */
const idleClient = `
  import { connect } from 'node:http2';
  import { Duplex } from 'node:stream';
  connect('http://door', { createConnection: () => Duplex.from({ readable: process.stdin, writable: process.stdout }) });`;
/** What a client of HTTP/2 says first: the preface and empty settings (RFC 9113 §3.4), in hexadecimal. */
const http2Beginning = `${Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n').toString('hex')}000000040000000000`;
/** Prints the bytes. */
const say = (hexadecimal: string): string => `perl -e 'print pack("H*", "${hexadecimal}")'`;
const launch = (code: string): string => `#!/bin/sh\nexec /opt/worker/node --input-type=module -e '${code}'\n`;

describe.each(runtimesUnderTest)('on $name, a worker that misbehaves', ({ open }) => {
  let runtime: OpenRuntime;
  let fixture: WorkerFixture;
  beforeAll(async () => {
    runtime = await open();
    fixture = await WorkerFixture.open(undefined, runtime);
  });
  afterAll(async () => {
    await fixture.close();
    await runtime.close();
  });

  /** True where the engine holds workers to limits. One that does not is refused: no worker is there to overrun them (S12). */
  async function isLimited(): Promise<boolean> {
    if (runtime.enforcesLimits) return true;
    const { result, containers } = await fixture.finish(fixture.order(), {}, { acceptNoLimits: false });
    expect(result).toMatchObject({ error: { code: 'AC_ENGINE_NO_LIMITS', retry: 'never' } });
    expect(containers).toEqual([]);
    return false;
  }

  async function withLauncher(
    script: string,
    job: Partial<WorkerJob> = {},
    options: Partial<WorkerRunnerOptions> = {},
  ): Promise<Finished> {
    const runtimeFolder = await makeRuntime(fixture.folder, script);
    return fixture.finish(fixture.order(), job, { runtimeFolder, ...options });
  }

  async function expectEnd(finished: Finished, code: unknown): Promise<void> {
    expect(finished.result).toMatchObject({ ok: false, error: { code } });
    expect(finished.containers).toHaveLength(1);
    expect(await fixture.engine.inspect(finished.containers[0] ?? '')).toMatchObject({
      error: { code: 'AC_CONTAINER_UNKNOWN' },
    });
  }

  it('and prints rubbish on stdout ends as AC_WORKER_GARBAGE', async () => {
    await expectEnd(
      await withLauncher('#!/bin/sh\necho this is not HTTP/2, whatever else it may be; sleep 60\n'),
      'AC_WORKER_GARBAGE',
    );
  });

  it.each([
    ['a gigabyte without a frame', 'head -c 1000000000 /dev/zero'],
    [
      'a frame of 16 MiB, the longest there can be, and a gigabyte after it',
      `${say('ffffff000000000001')}; head -c 1000000000 /dev/zero`,
    ],
    [
      'a million tiny frames, and reads no answer',
      `perl -e 'print pack("H*", "0000080600000000000000000000000000") x 1000 for 1 .. 1000'`,
    ],
  ])('S10 and sends %s is cut off while the memory of the host stays bounded', async (_what, sends) => {
    const before = process.memoryUsage.rss();
    let highest = before;
    const watch = setInterval(() => (highest = Math.max(highest, process.memoryUsage.rss())), 20);
    const begins = sends.startsWith('head') ? '' : `${say(http2Beginning)}; `;
    const script = `#!/bin/sh\n${begins}${sends}; exec sleep 60\n`;
    const finished = await withLauncher(script, {}, { doorLimits: { silentMs: 4000 } });
    clearInterval(watch);
    // Where answers find no reader the engine takes no more of it, and the host hears nothing.
    await expectEnd(finished, expect.stringMatching(/^AC_WORKER_(GARBAGE|SILENT)$/));
    expect(highest - before).toBeLessThan(150 * 1_048_576);
  });

  it('S10 and sends half a frame and then nothing ends as AC_WORKER_SILENT', async () => {
    const script = `#!/bin/sh\n${say(`${http2Beginning}00000806`)}; exec sleep 60\n`;
    await expectEnd(await withLauncher(script, {}, { doorLimits: { silentMs: 1500 } }), 'AC_WORKER_SILENT');
  });

  it('S10 and sends more valid bytes than any work needs is cut off', async () => {
    const code = `${idleClient.replace('connect(', 'const s = connect(')}
      const flood = () => { const r = s.request({ ":method": "POST", ":path": "/progress" }); r.on("error", () => {}); r.on("close", flood); r.resume(); r.end(Buffer.alloc(30000)); };
      flood();`.replaceAll("'", '"');
    const finished = await withLauncher(launch(code), {}, { doorLimits: { totalBytes: 2_000_000 } });
    await expectEnd(finished, 'AC_WORKER_GARBAGE');
    expect(JSON.stringify(finished.result)).toContain('2000000 bytes');
  });

  it('and hangs without a byte ends as AC_WORKER_SILENT', async () => {
    await expectEnd(
      await withLauncher('#!/bin/sh\nsleep 60\n', {}, { doorLimits: { silentMs: 1500 } }),
      'AC_WORKER_SILENT',
    );
  });

  it('S20 and stops itself in the middle of its work ends as AC_WORKER_SILENT', async () => {
    const order = fixture.order({ run: { command: 'kill -STOP $PPID; sleep 60' } });
    const finished = await fixture.finish(order, {}, { doorLimits: { pingMs: 300, silentMs: 2000 } });
    await expectEnd(finished, 'AC_WORKER_SILENT');
    expect(JSON.stringify(finished.result)).toContain('sign of life');
  });

  it('S20 and stops its clock, so that it answers pings but makes no progress, is stuck, and ends as AC_WORKER_SILENT', async () => {
    const finished = await withLauncher(
      launch(idleClient.replaceAll("'", '"')),
      {},
      { doorLimits: { pingMs: 200, stuckMs: 2000 } },
    );
    await expectEnd(finished, 'AC_WORKER_SILENT');
    expect(JSON.stringify(finished.result)).toContain('no beat');
  });

  it('and ends without a report ends as AC_WORKER_EXITED with its last words', async () => {
    const finished = await withLauncher('#!/bin/sh\necho I give up >&2; exit 42\n');
    await expectEnd(finished, 'AC_WORKER_EXITED');
    expect(finished.result).toMatchObject({ error: { message: expect.stringContaining('42'), cause: 'I give up' } });
  });

  it('S8 S12 and takes more memory than it may, in its main process, ends as AC_WORKER_MEMORY', async () => {
    if (!(await isLimited())) return;
    const limits = { ...testLimits, memoryBytes: 128 * 1_048_576 };
    const finished = await withLauncher('#!/bin/sh\nexec perl -e \'$x = "a" x 400_000_000; sleep 60\'\n', { limits });
    await expectEnd(finished, 'AC_WORKER_MEMORY');
  });

  it('S8 whose command takes more memory than it may reports AC_WORK_MEMORY itself, whatever the engine says of the container', async () => {
    if (!(await isLimited())) return;
    const limits = { ...testLimits, memoryBytes: 256 * 1_048_576 };
    const order = fixture.order({ run: { command: 'perl -e \'$x = "a" x 600_000_000\'' } });
    const { result } = await fixture.finish(order, { limits });
    expect(unwrap(result).report.error?.code).toBe('AC_WORK_MEMORY');
  });

  it('S7 and forks without end is stopped at its process limit as AC_WORK_PROCESSES, and others go on', async () => {
    if (!(await isLimited())) return;
    const processes = (): number => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length;
    const before = processes();
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, processes())), 50);
    const bomb = fixture.finish(fixture.order({ run: { command: 'f() { f & f; }; f' }, command_timeout: 3 }));
    const neighbour = await fixture.finish(fixture.order());
    const { result, log } = await bomb;
    clearInterval(watch);
    expect(unwrap(neighbour.result).report.outcome).toBe('done');
    expect(log).toMatch(/fork/i);
    expect(unwrap(result).report).toMatchObject({ outcome: 'failed', error: { code: 'AC_WORK_PROCESSES' } });
    // The machine has other work to do; a bomb that is not stopped makes tens of thousands in three seconds.
    expect(most - before).toBeLessThan(testLimits.pids + 1000);
  });

  it("S9 and fills all that it may write gets ENOSPC inside, as AC_WORKSPACE_FULL, and takes nothing of the host's disk", async () => {
    const mebibyte = 1_048_576;
    const limits = { ...testLimits, memoryBytes: 700 * mebibyte, workspaceBytes: 400 * mebibyte };
    const folder = unwrap(await fixture.engine.info()).dataRoot;
    const free = async (): Promise<number> => {
      const found = await statfs(folder);
      return found.bavail * found.bsize;
    };
    const before = await free();
    let least = before;
    const command = `cat /dev/zero > /tmp/fill; cat /dev/zero > /workspace/fill; du -sm /tmp /workspace; sleep 1;
      for place in /dev/shm /dev/mqueue /run /var/tmp /; do head -c 100000000 /dev/zero > $place/fill && echo filled $place; done; cat /dev/zero > more`;
    const watch = setInterval(() => void free().then((now) => (least = Math.min(least, now))), 100);
    const { result } = await fixture.finish(fixture.order({ run: { command } }), { limits });
    clearInterval(watch);
    const { report } = unwrap(result);
    expect(report.error?.code).toBe('AC_WORKSPACE_FULL');
    const output = report.agent?.output ?? '';
    expect(output.match(/No space left on device/g)?.length).toBeGreaterThanOrEqual(3);
    expect(output).not.toContain('filled');
    const sizes = [...output.matchAll(/^(\d+)\s+\/(?:tmp|workspace)$/gm)].map(([, size]) => Number(size));
    expect(sizes).toEqual([testLimits.temporaryBytes / mebibyte, expect.any(Number)]);
    expect(sizes[1]).toBeGreaterThan(350);
    // Others work on this machine too: what was written inside is much more than they take meanwhile.
    expect(before - least).toBeLessThan(200 * mebibyte);
  });

  it('and overruns its deadline ends as AC_WORKER_DEADLINE', async () => {
    const order = fixture.order({ run: { command: 'sleep 60' }, command_timeout: 80 });
    await expectEnd(await fixture.finish(order, { deadlineSeconds: 1.5 }), 'AC_WORKER_DEADLINE');
  });

  it('is cancelled at any moment: AC_WORKER_CANCELLED', async () => {
    const controller = new AbortController();
    const order = fixture.order({ run: { command: 'sleep 60' }, command_timeout: 80 });
    const onProgress = (message: string): void => (message === 'working' ? controller.abort() : undefined);
    await expectEnd(await fixture.finish(order, { signal: controller.signal, onProgress }), 'AC_WORKER_CANCELLED');
  });

  it('S18 and ignores every signal and the end of its input is removed all the same', async () => {
    const controller = new AbortController();
    const script = '#!/bin/sh\ntrap "" TERM INT HUP PIPE; while :; do sleep 1; done\n';
    setTimeout(() => controller.abort(), 1500);
    await expectEnd(await withLauncher(script, { signal: controller.signal }), 'AC_WORKER_CANCELLED');
  });

  it('S18 leaves no zombies: what its commands abandon is reaped', async () => {
    const abandon =
      'for (1..30) { if (!fork) { if (!fork) { select undef, undef, undef, 0.1 } exit } } 1 while wait > 0;';
    const count = 'grep -l "^State:.Z" /proc/[0-9]*/status 2>/dev/null | wc -l';
    const output = await fixture.probe(`perl -e '${abandon}'; sleep 1; ${count}; echo counted`);
    expect(output).toBe('0\ncounted\n');
  });

  it('S18 whose end nobody could bring about is removed by the next sweep, though it ignores the end of its input', async () => {
    const controller = new AbortController();
    const script = '#!/bin/sh\ntrap "" TERM INT HUP PIPE; while :; do sleep 1; done\n';
    const done = () => Promise.resolve({ ok: true as const, value: undefined });
    const engine = fixture.altered({ kill: done, remove: done });
    const job = { signal: controller.signal, deadlineSeconds: 1 };
    const { result, containers } = await withLauncher(script, job, { engine });
    expect(result).toMatchObject({ error: { code: 'AC_WORKER_DEADLINE' } });
    const [id = ''] = containers;
    expect(unwrap(await fixture.engine.inspect(id)).state.status).toBe('running');
    expect(unwrap(await fixture.runner().sweep(() => false))).toBe(1);
    expect(await fixture.engine.inspect(id)).toMatchObject({ error: { code: 'AC_CONTAINER_UNKNOWN' } });
  });

  it('writes a log beyond its budget: the rest is dropped and the work goes on', async () => {
    const order = fixture.order({ run: { command: 'head -c 30000000 /dev/zero | tr "\\0" x; echo 1 > one' } });
    const job = fixture.job(order);
    const finished = await fixture.finish(order, { logFile: job.logFile });
    expect(unwrap(finished.result).report.outcome).toBe('done');
    expect((await stat(job.logFile)).size).toBeLessThan(9 * 1_048_576);
  });

  it('fails as AC_RESULT_STORE when the host cannot store its result', async () => {
    const finished = await fixture.finish(fixture.order(), { bundleFile: `${fixture.folder}/absent/result.bundle` });
    await expectEnd(finished, 'AC_RESULT_STORE');
  });

  it('fails as AC_RESULT_STORE when the host has no room for its log', async () => {
    const { result } = await fixture.finish(fixture.order(), { logFile: `${fixture.mirror}/HEAD/attempt.log` });
    expect(result).toMatchObject({ error: { code: 'AC_RESULT_STORE', retry: 'later' } });
  });

  it('S12 is never made on an engine that enforces no limits, unless that is accepted', async () => {
    const found = unwrap(await fixture.engine.info());
    const engine = fixture.altered({
      info: () => Promise.resolve({ ok: true, value: { ...found, memoryLimit: false } }),
    });
    const { result, containers } = await fixture.finish(fixture.order(), {}, { engine, acceptNoLimits: false });
    expect(result).toMatchObject({ error: { code: 'AC_ENGINE_NO_LIMITS', retry: 'never' } });
    expect(containers).toHaveLength(0);
    const accepted = await fixture.finish(fixture.order(), {}, { engine, acceptNoLimits: true });
    expect(unwrap(accepted.result).report.outcome).toBe('done');
  });

  it('is never made from an image that is not there: AC_IMAGE_UNAVAILABLE', async () => {
    const { result, containers } = await fixture.finish(fixture.order(), { image: 'agentcompany-no-such-image:1' });
    expect(result).toMatchObject({ error: { code: 'AC_IMAGE_UNAVAILABLE', retry: 'later' } });
    expect(containers).toHaveLength(0);
  });
});
