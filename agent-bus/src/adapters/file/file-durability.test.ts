import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentBus } from '../../bus.ts';
import { openBus } from '../../open-bus.ts';
import { startBusProcess } from '../../testing/start-bus-process.ts';
import type { BusPlace } from '../../testing/support.ts';

/** The system calls themselves are looked at and broken: that needs strace(1). */
const traced = spawnSync('strace', ['-V']).status === 0;

let folder: string;
let traceFile: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'file-durability-'));
  traceFile = join(folder, 'trace');
});
afterEach(() => rm(folder, { recursive: true }));

const place = (name: string): BusPlace => ({ options: { adapter: 'file', folder: join(folder, name) } });

/** Names for what a call works on: the segment, what will be one, the folder of both, the bell. */
const targets: readonly (readonly [RegExp, string])[] = [
  [/journal\/\d+\.log>/, 'segment'],
  [/journal\/[^>]*\.tmp>/, 'draft'],
  [/\/journal>/, 'folder'],
  [/bus\.bell>/, 'bell'],
];

function eventOf(line: string): readonly string[] {
  const printed = /"\{\\"(opened|sent|refused|entries)/.exec(line)?.[1];
  if (printed !== undefined) return [printed];
  if (/ rename\("[^"]*\.tmp", "[^"]*\/journal\/\d+\.log"/.test(line)) return ['rename'];
  const call = /^\d+ +(pwrite64|fsync|fdatasync)\(\d+<([^>]*>)/.exec(line);
  const target = targets.find(([pattern]) => pattern.test(call?.[2] ?? ''))?.[1];
  return call === null || target === undefined ? [] : [`${call[1]} ${target}`];
}

/** The calls on the journal and the lines printed, in order: `pwrite64 segment`, `fdatasync segment`, `opened`, `sent` … */
async function trace(): Promise<readonly string[]> {
  const calls = 'trace=pwrite64,pwritev,fsync,fdatasync,write,rename';
  const wrapper = ['strace', '-f', '-y', '-o', traceFile, '-e', calls];
  await startBusProcess({ program: 'send', place: place('bus') }, wrapper).ended;
  return (await readFile(traceFile, 'utf8')).split('\n').flatMap(eventOf);
}

/** What the process prints when the `when`-th such call on the segment fails. */
async function inject(call: string, error: string, when: number): Promise<readonly unknown[]> {
  const segment = join(folder, 'broken', 'journal', '1.log');
  const wrapper = ['strace', '-f', '-o', traceFile, '-P', segment, '-e', `inject=${call}:error=${error}:when=${when}`];
  const { lines } = await startBusProcess({ program: 'send', place: place('broken') }, wrapper).ended;
  return lines.map((line) => line['refused'] ?? Object.keys(line)[0]);
}

const countBefore = (calls: readonly string[], call: string): number =>
  calls.slice(0, calls.indexOf('opened')).filter((name) => name === call).length;

async function reopened(): Promise<AgentBus> {
  return unwrap(await openBus({ adapter: 'file', folder: join(folder, 'broken') }));
}

describe.skipIf(!traced)('durability of the file bus, seen from below', { timeout: 60_000 }, () => {
  it('S67 every acknowledgement comes after record and fdatasync, and others see it no sooner', async () => {
    const calls = await trace();
    const rounds = calls
      .slice(calls.indexOf('opened') + 1)
      .join(', ')
      .split(', sent')
      .slice(0, 3);
    expect(rounds).toHaveLength(3);
    for (const round of rounds)
      expect(round.replace(/^, /, '')).toBe('pwrite64 segment, fdatasync segment, pwrite64 bell');
  });

  it('S67 a new segment and its name are durable before its first use', async () => {
    const calls = await trace();
    const beginning = calls.slice(0, calls.indexOf('rename') + 2).filter((call) => !call.endsWith('bell'));
    expect(beginning.slice(-4)).toEqual(['pwrite64 draft', 'fsync draft', 'rename', 'fsync folder']);
    expect(calls.indexOf('fsync folder')).toBeLessThan(calls.indexOf('pwrite64 segment'));
  });

  it('S67 what a killed process left in the journal is made durable before anyone is answered for it', async () => {
    const killed = startBusProcess({ program: 'walk', place: place('bus'), crashAt: 1 });
    expect((await killed.ended).signal).toBe('SIGKILL');
    const calls = await trace();
    expect(calls[0]).toBe('fdatasync segment');
  });

  it('S67 S85 an fsync that fails closes the bus: nothing is acknowledged then or later', async () => {
    const calls = await trace();
    const outcomes = await inject('fdatasync', 'EIO', countBefore(calls, 'fdatasync segment') + 2);
    expect(outcomes).toEqual(['opened', 'sent', 'AC_BUS_FSYNC', 'AC_BUS_FSYNC', 'ended']);
    const bus = await reopened();
    expect(unwrap(await bus.queues())[0]?.waiting).toBeGreaterThanOrEqual(1);
    await bus.close();
  });

  it('S72 a full disk is AC_BUS_FULL, nothing of the step is kept, and the next one goes through', async () => {
    const calls = await trace();
    const outcomes = await inject('pwrite64', 'ENOSPC', countBefore(calls, 'pwrite64 segment') + 1);
    expect(outcomes).toEqual(['opened', 'AC_BUS_FULL', 'sent', 'sent', 'ended']);
    const bus = await reopened();
    expect(unwrap(await bus.queues())).toEqual([{ queue: 'workers', waiting: 2, delayed: 0, leased: 0 }]);
    await bus.close();
  });
});
