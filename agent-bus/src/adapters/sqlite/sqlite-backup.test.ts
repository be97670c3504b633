import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap, type Result } from '@agentcompany/protocol';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentBus } from '../../bus.ts';
import { openBus } from '../../open-bus.ts';
import { startBusProcess } from '../../testing/start-bus-process.ts';
import { claim, ids, makeEnvelope, makeRun } from '../../testing/support.ts';
import { backupSqliteBus } from './backup.ts';

const codeOf = (result: Result<unknown>): string => (result.ok ? 'success' : result.error.code);

let folder: string;
const opened: AgentBus[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sqlite-backup-'));
});
afterEach(async () => {
  for (const bus of opened.splice(0)) await bus.close();
  await rm(folder, { recursive: true });
});

async function open(name: string): Promise<AgentBus> {
  const bus = unwrap(await openBus({ adapter: 'sqlite', folder: join(folder, name) }));
  opened.push(bus);
  return bus;
}

/** Sends two envelopes a step until `ended`; says how many positions were acknowledged. */
async function writeUntil(bus: AgentBus, ended: Promise<unknown>): Promise<number> {
  let acknowledged = 0;
  const over = new AbortController();
  void ended.then(() => over.abort());
  while (!over.signal.aborted) {
    const { entries } = unwrap(await bus.send(makeRun(2).envelopes.map((envelope) => ({ envelope }))));
    acknowledged = entries.at(-1)?.position ?? 0;
  }
  return acknowledged;
}

describe('a copy of the SQLite bus', () => {
  it(
    'S84 taken while several processes write is whole, one moment in commit order, and goes on',
    { timeout: 60_000 },
    async () => {
      const bus = await open('bus');
      for (let round = 0; round < 10; round += 1)
        unwrap(await bus.send(makeRun(300).envelopes.map((envelope) => ({ envelope }))));
      const { child, nextLine, ended } = startBusProcess({
        program: 'drain',
        place: { options: { adapter: 'sqlite', folder: join(folder, 'bus') } },
      });
      const handled = (await nextLine())?.['handled'];
      const before = unwrap(await bus.lastPosition());
      const copied = backupSqliteBus(join(folder, 'bus'), join(folder, 'copy'));
      const after = await writeUntil(bus, copied);
      expect(codeOf(await copied)).toBe('success');
      child.kill('SIGKILL');
      await ended;

      expect(await readdir(join(folder, 'copy'))).toEqual(['bus.db']);
      const file = new Database(join(folder, 'copy', 'bus.db'), { readonly: true });
      expect(file.pragma('integrity_check', { simple: true })).toBe('ok');
      file.close();
      const copy = await open('copy');
      const entries = unwrap(await copy.readAll({ after: 0, limit: 100_000 }));
      expect(entries.map(({ position }) => position)).toEqual(entries.map((_entry, index) => index + 1));
      expect(entries.length).toBeGreaterThanOrEqual(before);
      // Others wrote while it was taken.
      expect(after).toBeGreaterThan(entries.length);
      expect(ids(entries)).toEqual(ids(unwrap(await bus.readAll({ after: 0, limit: entries.length }))));
      expect(unwrap(await copy.deliveries([String(handled)]))).toMatchObject([{ queue: 'workers', state: 'done' }]);
      unwrap(await copy.send([{ envelope: makeEnvelope() }]));
      expect(await claim(copy, 'workers', 10)).toHaveLength(10);
    },
  );

  it('S84 does not overwrite a bus, and leaves nothing where it cannot be taken', async () => {
    await open('bus');
    await open('other');
    expect(codeOf(await backupSqliteBus(join(folder, 'bus'), join(folder, 'other')))).toBe('AC_BUS_NOT_EMPTY');
    expect(codeOf(await backupSqliteBus(join(folder, 'nowhere'), join(folder, 'copy')))).toBe('AC_BUS_OPEN');
    await mkdir(join(folder, 'rubbish'));
    await writeFile(join(folder, 'rubbish', 'bus.db'), 'not a database'.repeat(1000));
    expect(codeOf(await backupSqliteBus(join(folder, 'rubbish'), join(folder, 'copy')))).toBe('AC_BUS_CORRUPT');
    expect(await readdir(join(folder, 'copy'))).toEqual([]);
  });
});
