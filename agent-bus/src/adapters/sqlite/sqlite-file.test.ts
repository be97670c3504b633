import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { derivedId, newId, unwrap, type Result } from '@agentcompany/protocol';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AgentBus } from '../../bus.ts';
import { derivedIdSync } from '../../dead-letter-notice.ts';
import { openBus } from '../../open-bus.ts';
import { claimOne, makeEnvelope, sendAll } from '../../testing/support.ts';
import { openDatabase } from './database.ts';
import { claimQuery, dueQuery, nextDueQuery } from './delivery-table.ts';
import { networkKind } from '../../file-system.ts';
import { assembleBus } from './open-sqlite-bus.ts';

// Payloads of 16 MiB and fsyncs of a loaded machine.
vi.setConfig({ testTimeout: 60_000 });

let folder: string;
const opened: AgentBus[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sqlite-file-'));
});
afterEach(async () => {
  for (const bus of opened.splice(0)) await bus.close();
  await rm(folder, { recursive: true });
});

async function open(options: { readonly onDurableStep?: (name: string) => void } = {}): Promise<AgentBus> {
  const bus = unwrap(await openBus({ adapter: 'sqlite', folder, ...options }));
  opened.push(bus);
  return bus;
}

/** Changes the file as another program would. */
function tamper(change: (database: Database.Database) => void): void {
  const database = new Database(join(folder, 'bus.db'));
  change(database);
  database.close();
}

const codeOf = (result: Result<unknown>): string => (result.ok ? 'success' : result.error.code);

describe('the file of the SQLite bus', () => {
  it('C5 has a table messages with id as its primary key, in a folder of this user alone', async () => {
    await mkdir(join(folder, 'bus'), { mode: 0o777 });
    folder = join(folder, 'bus');
    await open();
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    tamper((database) => {
      const keys = database
        .prepare<[], string>(`SELECT name FROM pragma_table_info('messages') WHERE pk > 0`)
        .pluck()
        .all();
      expect(keys).toEqual(['id']);
      expect(database.pragma('journal_mode', { simple: true })).toBe('wal');
    });
    folder = join(folder, '..');
  });

  it('claims by index, whatever the depth of the queue', async () => {
    await open();
    tamper((database) => {
      const plan = (query: string): string =>
        database
          .prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${query}`)
          .all(...Array.from({ length: query.split('?').length - 1 }, () => 1))
          .map(({ detail }) => detail)
          .join('; ');
      expect(plan(claimQuery)).toMatch(
        /^SEARCH d USING INDEX deliveries_ready \(queue=\?\); SEARCH m USING INDEX [^;]*position=\?[^;]*; SEARCH s USING INTEGER PRIMARY KEY/,
      );
      expect(plan(claimQuery)).not.toContain('TEMP B-TREE');
      expect(plan(dueQuery)).toMatch(
        /^SEARCH deliveries USING (COVERING )?INDEX deliveries_timed \(queue=\? AND due<\?\)$/,
      );
      expect(plan(nextDueQuery)).toMatch(/SEARCH d USING (COVERING )?INDEX deliveries_ready \(queue=\?\)/);
      expect(plan(nextDueQuery)).toMatch(/SEARCH t USING (COVERING )?INDEX deliveries_timed \(queue=\?\)/);
      expect(plan(nextDueQuery)).not.toContain('SCAN');
    });
  });

  it('S83 refuses a file of a newer schema, a foreign database and what is no database', async () => {
    await (await open()).close();
    tamper((database) => database.pragma('user_version = 99'));
    expect(codeOf(await openBus({ adapter: 'sqlite', folder }))).toBe('AC_BUS_SCHEMA_NEWER');
    tamper((database) => database.pragma('user_version = 2'));
    tamper((database) => database.pragma('application_id = 7'));
    expect(codeOf(await openBus({ adapter: 'sqlite', folder }))).toBe('AC_BUS_CORRUPT');
    await writeFile(
      join(folder, 'bus.db'),
      'not a database, and long enough to be read as the header of one'.repeat(100),
    );
    expect(codeOf(await openBus({ adapter: 'sqlite', folder }))).toBe('AC_BUS_CORRUPT');
  });

  it('refuses a folder that cannot be made and an adapter that does not exist', async () => {
    await writeFile(join(folder, 'file'), '');
    expect(codeOf(await openBus({ adapter: 'sqlite', folder: join(folder, 'file', 'bus') }))).toBe('AC_BUS_OPEN');
    const unknown = await openBus({ adapter: 'pigeon' as 'file', folder });
    expect(unknown).toMatchObject({
      ok: false,
      error: { code: 'AC_BUS_ADAPTER_UNKNOWN', remedy: 'Set message_queue to one of: file, sqlite, redis.' },
    });
  });

  it('knows the network file systems by their number', () => {
    expect([0x6969, 0xff534d42 | 0, 0x01021997, 0xef53, 0x01021994].map(networkKind)).toEqual([
      'NFS',
      'CIFS',
      '9P',
      null,
      null,
    ]);
  });

  it('gives leases of an earlier boot up at once', async () => {
    const bus = await open();
    await sendAll(bus, [makeEnvelope()]);
    const first = await claimOne(bus, 'workers', 3_600_000);
    const held = unwrap(await bus.acquireLease('engine', 'before', 3_600_000));
    await bus.close();
    tamper((database) => database.prepare(`UPDATE facts SET value = 'another' WHERE name = 'boot'`).run());
    const after = await open();
    expect((await claimOne(after, 'workers')).epoch).toBe(first.epoch + 1);
    expect(unwrap(await after.acquireLease('engine', 'after', 1000)).epoch).toBe(held.epoch + 1);
  });

  it('commits the calls of one turn together, each refused alone, and none for a lease', async () => {
    const moments: string[] = [];
    const bus = await open({ onDurableStep: (name) => moments.push(name) });
    const known = makeEnvelope();
    await sendAll(bus, [known]);
    moments.length = 0;
    const calls = Array.from({ length: 100 }, (_unused, index) =>
      bus.send([{ envelope: index === 50 ? { ...known, payload: {} } : makeEnvelope() }]),
    );
    const results = await Promise.all(calls);
    expect(moments).toEqual(['bus:before', 'bus:after']);
    expect(results.map(codeOf).filter((code) => code !== 'success')).toEqual(['AC_BUS_ID_CONFLICT']);
    const delivery = await claimOne(bus, 'workers');
    unwrap(await bus.extend(delivery, 1000));
    unwrap(await bus.release(delivery));
    expect(moments).toHaveLength(2);
  });

  it('is AC_BUS_FULL where the file may not grow, and goes on when it may', async () => {
    const database = unwrap(openDatabase(folder));
    const bus = assembleBus(database, {});
    opened.push(bus);
    const pages = Number(database.pragma('page_count', { simple: true }));
    database.pragma(`max_page_count = ${pages}`);
    const large = makeEnvelope({ payload: { text: 'x'.repeat(1_000_000) } });
    expect(codeOf(await bus.send([{ envelope: large }]))).toBe('AC_BUS_FULL');
    expect(unwrap(await bus.streams())).toEqual([]);
    database.pragma('max_page_count = 1000000');
    unwrap(await bus.send([{ envelope: large }]));
  });

  it('waits for the lock of another process without blocking, then is AC_BUS_BUSY', async () => {
    const bus = assembleBus(unwrap(openDatabase(folder)), { busyLimit: 100 });
    opened.push(bus);
    const other = new Database(join(folder, 'bus.db'));
    other.exec('BEGIN IMMEDIATE');
    expect(codeOf(await bus.send([{ envelope: makeEnvelope() }]))).toBe('AC_BUS_BUSY');
    const waiting = bus.send([{ envelope: makeEnvelope() }]);
    setImmediate(() => setImmediate(() => other.exec('COMMIT')));
    expect(codeOf(await waiting)).toBe('success');
    other.close();
  });

  it('derives ids as the protocol does', async () => {
    const key = newId();
    expect(derivedIdSync(key)).toBe(await derivedId(key));
  });
});
