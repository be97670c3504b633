import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { openBus } from './open-bus.ts';
import { claimOne, makeEnvelope, sendAll } from './testing/support.ts';

/** Whether somebody is writing: nobody can take a lease meanwhile. */
function isLocked(file: string): boolean {
  const database = new Database(file, { timeout: 0 });
  try {
    database.exec('BEGIN IMMEDIATE');
    return false;
  } catch {
    return true;
  } finally {
    database.close();
  }
}

describe('the clock by which an opening bus judges the leases of others', () => {
  it.each([
    ['file', 'lock.db'],
    ['sqlite', 'bus.db'],
  ] as const)('C3 H13 is read where none can be taken since: %s', async (adapter, lockFile) => {
    const folder = await mkdtemp(join(tmpdir(), 'opening-clock-'));
    const holder = unwrap(await openBus({ adapter, folder }));
    const moments: boolean[] = [];
    const now = (): number => {
      moments.push(isLocked(join(folder, lockFile)));
      return Date.now();
    };
    try {
      await sendAll(holder, [makeEnvelope()]);
      const delivery = await claimOne(holder, 'workers', 60_000);
      const other = unwrap(await openBus({ adapter, folder, now }));
      expect(moments[0]).toBe(true);
      await other.close();
      unwrap(await holder.complete(delivery, []));
    } finally {
      await holder.close();
      await rm(folder, { recursive: true });
    }
  });
});
