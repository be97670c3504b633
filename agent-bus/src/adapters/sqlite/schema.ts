import { crc32 } from 'node:zlib';
import type Database from 'better-sqlite3';

/** Raised with every change of the tables; kept in `PRAGMA user_version`. */
export const schemaVersion = 2;
/** "ACBU": tells our file from any other database. */
export const applicationId = 0x41434255;

/** State of a delivery. The two partial indexes hold only what can still be claimed, so the cost of a claim does not grow with what was done. */
export const deliveryState = { ready: 0, delayed: 1, leased: 2, done: 3, buried: 4 } as const;

/*
 * messages holds every payload once. Order is `position` (company-wide, in commit order) and `seq` (per stream, gapless); both are taken
 * as maximum + 1 under the write lock, so an undone step leaves no gap. `facts.position_floor` keeps positions growing after compaction
 * and where a place of a queue took one.
 * deliveries.due: unix ms of `notBefore` (delayed) or of the lease's end (leased). `place` orders the queue: the position at which it was
 * put there. messages.checksum: CRC-32 of `envelope`, for what a failing disk changes unnoticed; null from a process that runs schema 1
 * while another has gone on. `receipt`: the positions that the ending step appended, for whoever repeats it.
 */
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
  checksum INTEGER,
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

/** How to come from a version to the next one; inside the one transaction that also raises `user_version`. */
const upgrades: Readonly<Record<number, (database: Database.Database) => void>> = {
  1: (database) => {
    database.exec('ALTER TABLE messages ADD COLUMN checksum INTEGER');
    database.function('crc32_of', { deterministic: true }, (text) => crc32(String(text)));
    database.exec('UPDATE messages SET checksum = crc32_of(envelope)');
  },
};

/**
 * Makes the tables of a new file, or brings those of an older version up to this one, in one transaction: killed midway, the file is what it
 * was. Of two processes that open it at once, the second finds it done. A file of a newer version is left as it is.
 */
export function prepareSchema(database: Database.Database): void {
  const version = (): number => Number(database.pragma('user_version', { simple: true }));
  if (version() >= schemaVersion) return;
  database
    .transaction(() => {
      const found = version();
      if (found >= schemaVersion) return;
      if (found === 0) {
        database.exec(tables);
        database.pragma(`application_id = ${applicationId}`);
      }
      for (let from = found; from > 0 && from < schemaVersion; from += 1) upgrades[from]?.(database);
      database.pragma(`user_version = ${schemaVersion}`);
    })
    .immediate();
}
