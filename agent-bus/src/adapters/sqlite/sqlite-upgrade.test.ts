import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { unwrap, type Envelope } from '@agentcompany/protocol';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBus } from '../../open-bus.ts';
import { prepareItems } from '../../outgoing.ts';
import { startBusProcess } from '../../testing/start-bus-process.ts';
import { claim, ids, makeRun, testError } from '../../testing/support.ts';

/** The process is killed by strace(1) in the middle of a system call. */
const traced = spawnSync('strace', ['-V']).status === 0;

/** The tables as version 1 made them. */
const tables = `
CREATE TABLE facts (name TEXT PRIMARY KEY NOT NULL, value ANY) STRICT, WITHOUT ROWID;
CREATE TABLE streams (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE queues (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE messages (
  id TEXT PRIMARY KEY NOT NULL,
  position INTEGER NOT NULL UNIQUE,
  stream INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  stored_at INTEGER NOT NULL,
  digest BLOB NOT NULL,
  envelope TEXT NOT NULL,
  UNIQUE (stream, seq)
) STRICT;
CREATE TABLE deliveries (
  queue INTEGER NOT NULL,
  position INTEGER NOT NULL,
  place INTEGER NOT NULL,
  state INTEGER NOT NULL,
  due INTEGER NOT NULL,
  lease_ms INTEGER NOT NULL DEFAULT 0,
  count INTEGER NOT NULL DEFAULT 0,
  epoch INTEGER NOT NULL DEFAULT 0,
  token TEXT,
  receipt TEXT,
  PRIMARY KEY (queue, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_ready ON deliveries (queue, place) WHERE state = 0;
CREATE INDEX deliveries_timed ON deliveries (queue, due) WHERE state IN (1, 2);
CREATE TABLE dead_letters (
  id TEXT PRIMARY KEY NOT NULL,
  queue INTEGER NOT NULL,
  position INTEGER NOT NULL,
  count INTEGER NOT NULL,
  error TEXT NOT NULL,
  buried_at INTEGER NOT NULL
) STRICT;
CREATE TABLE leases (
  name TEXT PRIMARY KEY NOT NULL,
  holder TEXT NOT NULL,
  token TEXT,
  epoch INTEGER NOT NULL,
  due INTEGER NOT NULL,
  lease_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE forgotten (
  id TEXT PRIMARY KEY NOT NULL,
  position INTEGER NOT NULL,
  stream TEXT NOT NULL,
  seq INTEGER NOT NULL,
  digest BLOB NOT NULL,
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX forgotten_until ON forgotten (until);
`;

const { run, envelopes } = makeRun(12);

/** A file as a process of version 1 left it: one delivery done, one buried, one leased, the others waiting. */
function makeOldFile(folder: string): void {
  const database = new Database(join(folder, 'bus.db'));
  database.pragma('journal_mode = WAL');
  database.exec(tables);
  database.pragma('application_id = 1094926933');
  database.pragma('user_version = 1');
  database.prepare('INSERT INTO streams (number, name) VALUES (1, ?)').run(run);
  database.exec(`INSERT INTO queues (number, name) VALUES (1, 'workers')`);
  const message = database.prepare(
    'INSERT INTO messages (id, position, stream, seq, stored_at, digest, envelope) VALUES (?, ?, 1, ?, 1, ?, ?)',
  );
  const delivery = database.prepare(
    'INSERT INTO deliveries (queue, position, place, state, due) VALUES (1, ?, ?, ?, 0)',
  );
  unwrap(prepareItems(envelopes.map((envelope) => ({ envelope })))).forEach(({ envelope, digest, json }, index) => {
    message.run(envelope.id, index + 1, index + 1, digest, json);
    delivery.run(index + 1, index + 1, [3, 4, 2][index] ?? 0);
  });
  database
    .prepare('INSERT INTO dead_letters (id, queue, position, count, error, buried_at) VALUES (?, 1, 2, 1, ?, 1)')
    .run('letter', JSON.stringify(testError));
  database.close();
}

/** What version the file is of; throws where it is neither whole. */
function versionOf(folder: string): number {
  const database = new Database(join(folder, 'bus.db'));
  try {
    const version = Number(database.pragma('user_version', { simple: true }));
    const rows = database.prepare<[], Record<string, unknown>>('SELECT * FROM messages ORDER BY position').all();
    expect(rows.map(({ id }) => id)).toEqual(envelopes.map(({ id }) => id));
    const checksums = rows.map((row) => row['checksum']);
    expect(checksums).toEqual(rows.map(({ envelope }) => (version === 1 ? undefined : crc32(String(envelope)))));
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    return version;
  } finally {
    database.close();
  }
}

async function expectAllThere(folder: string): Promise<void> {
  const bus = unwrap(await openBus({ adapter: 'sqlite', folder }));
  expect(ids(unwrap(await bus.readStream(run, { after: 0 })).slice(0, 12))).toEqual(envelopes.map(({ id }) => id));
  expect(unwrap(await bus.deadLetters()).map(({ envelope }) => envelope.id)).toEqual([envelopes[1]?.id]);
  const left: readonly Envelope[] = envelopes.slice(2);
  expect(ids(await claim(bus, 'workers', 10)).toSorted()).toEqual(left.map(({ id }) => id).toSorted());
  await bus.close();
}

describe('a file of an older version', { timeout: 240_000 }, () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sqlite-upgrade-'));
    await mkdir(join(folder, 'old'));
    makeOldFile(join(folder, 'old'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('S83 is brought up to this version with all that it holds', async () => {
    const copy = join(folder, 'copy');
    await cp(join(folder, 'old'), copy, { recursive: true });
    expect(versionOf(copy)).toBe(1);
    await expectAllThere(copy);
    expect(versionOf(copy)).toBe(2);
  });

  /** The version after a kill at the n-th such call on the log; null where the upgrade was over before. */
  async function killedAt(call: string, when: number): Promise<number | null> {
    const copy = join(folder, `${call}-${when}`);
    await cp(join(folder, 'old'), copy, { recursive: true });
    const inject = ['-P', join(copy, 'bus.db-wal'), '-e', `inject=${call}:signal=SIGKILL:when=${when}`];
    const wrapper = ['strace', '-f', '-o', join(folder, 'trace'), ...inject];
    const { ended } = startBusProcess(
      { program: 'send', place: { options: { adapter: 'sqlite', folder: copy } } },
      wrapper,
    );
    const { lines } = await ended;
    if (lines.length > 0) return null;
    const version = versionOf(copy);
    await expectAllThere(copy);
    return version;
  }

  it.skipIf(!traced)(
    'S83 killed at any write or fsync of the upgrade is of the old version or of the new one',
    async () => {
      const found: number[] = [];
      for (const call of ['pwrite64', 'fsync']) {
        for (let when = 1; ; when += 1) {
          const version = await killedAt(call, when);
          if (version === null) break;
          found.push(version);
        }
      }
      expect(found.length).toBeGreaterThan(8);
      expect(new Set(found)).toEqual(new Set([1, 2]));
    },
  );
});
