import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unwrap } from '@agentcompany/protocol';
import { openBus } from '../../open-bus.ts';
import { startBusProcess } from '../../testing/start-bus-process.ts';
import type { BusPlace } from '../../testing/support.ts';

/** The system calls themselves are looked at and broken: that needs strace(1). */
const traced = spawnSync('strace', ['-V']).status === 0;

let folder: string;
let traceFile: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sqlite-durability-'));
  traceFile = join(folder, 'trace');
});
afterEach(() => rm(folder, { recursive: true }));

const log = /^\d+ +(\w+)\(\d+<[^>]*bus\.db-wal>/;

const place = (name: string): BusPlace => ({ options: { adapter: 'sqlite', folder: join(folder, name) } });

/** The calls on the write-ahead log and the lines printed, in order: `pwrite64`, `fsync`, `opened`, `sent` … */
async function trace(): Promise<readonly string[]> {
  const { ended } = startBusProcess({ program: 'send', place: place('bus') }, [
    'strace',
    '-f',
    '-y',
    '-o',
    traceFile,
    '-e',
    'trace=pwrite64,pwritev,fsync,fdatasync,write',
  ]);
  await ended;
  const text = await readFile(traceFile, 'utf8');
  return text.split('\n').flatMap((line) => log.exec(line)?.[1] ?? /"\{\\"(opened|sent|refused)/.exec(line)?.[1] ?? []);
}

/** What the process prints when the `when`-th such call on the log fails. */
async function inject(call: string, error: string, when: string): Promise<readonly Record<string, unknown>[]> {
  const wrapper = [
    'strace',
    '-f',
    '-o',
    traceFile,
    '-P',
    join(folder, 'broken', 'bus.db-wal'),
    '-e',
    `inject=${call}:error=${error}:when=${when}`,
  ];
  const { lines } = await startBusProcess({ program: 'send', place: place('broken') }, wrapper).ended;
  return lines;
}

/** One word a line: what it tells, or the code it was refused with. */
const outcomes = (lines: readonly Record<string, unknown>[]): readonly unknown[] =>
  lines.map((line) => line['refused'] ?? Object.keys(line)[0]);

const countBefore = (calls: readonly string[], call: string): number =>
  calls.slice(0, calls.indexOf('opened')).filter((name) => name === call).length;

describe.skipIf(!traced)('durability of the SQLite bus, seen from below', () => {
  it('S67 every acknowledgement comes after an fsync of what was written for it', { timeout: 60_000 }, async () => {
    const calls = await trace();
    const afterOpen = calls.slice(calls.indexOf('opened') + 1);
    const rounds = afterOpen.join(' ').split('sent').slice(0, 3);
    expect(rounds).toHaveLength(3);
    for (const round of rounds) expect(round.trim()).toMatch(/^(pwrite64 )+(fsync|fdatasync)$/);
  });

  it(
    'S67 what a killed process left in the log is made durable before anyone is answered for it',
    { timeout: 60_000 },
    async () => {
      expect((await startBusProcess({ program: 'walk', place: place('bus'), crashAt: 2 }).ended).signal).toBe(
        'SIGKILL',
      );
      const calls = await trace();
      expect(calls[0]).toBe('fdatasync');
    },
  );

  it(
    'S67 S85 an fsync that fails closes the bus: nothing is acknowledged then or later',
    { timeout: 60_000 },
    async () => {
      const calls = await trace();
      const call =
        calls.slice(calls.indexOf('opened')).find((name) => name === 'fsync' || name === 'fdatasync') ?? 'none';
      const lines = await inject(call, 'EIO', `${countBefore(calls, call) + 2}`);
      expect(outcomes(lines)).toEqual(['opened', 'sent', 'AC_BUS_FSYNC', 'AC_BUS_FSYNC', 'ended']);
      const bus = unwrap(await openBus({ adapter: 'sqlite', folder: join(folder, 'broken') }));
      const entries = unwrap(await bus.queues());
      await bus.close();
      expect(entries[0]?.waiting).toBeGreaterThanOrEqual(1);
    },
  );

  it(
    'S67 a full disk is AC_BUS_FULL, nothing of the step is kept, and the next one goes through',
    { timeout: 60_000 },
    async () => {
      const calls = await trace();
      const lines = await inject('pwrite64', 'ENOSPC', `${countBefore(calls, 'pwrite64') + 1}`);
      expect(outcomes(lines)).toEqual(['opened', 'AC_BUS_FULL', 'sent', 'sent', 'ended']);
      const bus = unwrap(await openBus({ adapter: 'sqlite', folder: join(folder, 'broken') }));
      expect(unwrap(await bus.queues())).toEqual([{ queue: 'workers', waiting: 2, delayed: 0, leased: 0 }]);
      await bus.close();
    },
  );
});
