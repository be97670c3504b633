import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import Database from 'better-sqlite3';
import { busErrors } from '../../errors.ts';
import { makePrivateFolder, networkFileSystemOf, syncFile, syncFolder } from '../../file-system.ts';
import { applicationId, prepareSchema, schemaVersion } from './schema.ts';
import { storageError } from './storage-error.ts';

/** How long a call blocks the process for a lock; beyond it the caller waits without blocking. Milliseconds. */
const blockingWait = 50;
/** Pages kept in memory: enough for the tail of every index, where a bus works. */
const cacheKibibytes = 16 * 1024;
/** While opening there is nobody to block. */
const openingWait = 10_000;

function checkIdentity(database: Database.Database, file: string): Result<undefined> {
  const found = Number(database.pragma('user_version', { simple: true }));
  if (found > schemaVersion) return failure(busErrors.AC_BUS_SCHEMA_NEWER({ file, found, known: schemaVersion }));
  const tables = database.prepare<[], number>('SELECT count(*) FROM sqlite_master').pluck().get() ?? 0;
  const ours = database.pragma('application_id', { simple: true }) === applicationId;
  if (tables > 0 && !ours) return failure(busErrors.AC_BUS_CORRUPT({ file }));
  return success(undefined);
}

/** Settings of every connection that writes. */
export function configure(database: Database.Database): void {
  database.pragma(`busy_timeout = ${openingWait}`);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  // On macOS fsync alone does not reach the platter.
  database.pragma('fullfsync = ON');
  database.pragma('checkpoint_fullfsync = ON');
  database.pragma('journal_size_limit = 67108864');
  database.pragma(`cache_size = -${cacheKibibytes}`);
  // A full disk must not stop the undoing of a step.
  database.pragma('temp_store = MEMORY');
}

/**
 * A process killed between write and fsync may leave a whole step in the log that only the page cache holds. Whoever finds it must not
 * answer for it before it is durable.
 */
function makeFoundLogDurable(database: Database.Database, folder: string, file: string): void {
  database.prepare('SELECT count(*) FROM facts').get();
  if (existsSync(`${file}-wal`)) syncFile(`${file}-wal`);
  syncFolder(folder);
}

function prepareDatabase(database: Database.Database, folder: string, file: string): Result<Database.Database> {
  database.pragma(`busy_timeout = ${openingWait}`);
  const identity = checkIdentity(database, file);
  if (!identity.ok) return identity;
  configure(database);
  prepareSchema(database);
  const afterwards = checkIdentity(database, file);
  if (!afterwards.ok) return afterwards;
  makeFoundLogDurable(database, folder, file);
  return success(database);
}

/** From now on others are kept waiting while a call blocks. */
export function endOpening(database: Database.Database): void {
  database.pragma(`busy_timeout = ${blockingWait}`);
}

export const databaseFile = (folder: string): string => join(folder, 'bus.db');

/** Opens or makes `<folder>/bus.db`; `endOpening` when all is read that opening takes. Errors: as `openBus`. */
export function openDatabase(folder: string): Result<Database.Database> {
  const file = databaseFile(folder);
  let database: Database.Database | null = null;
  try {
    makePrivateFolder(folder);
    const kind = networkFileSystemOf(folder);
    if (kind !== null) return failure(busErrors.AC_BUS_NETWORK_FS({ folder, kind }));
    database = new Database(file);
    const prepared = prepareDatabase(database, folder, file);
    if (!prepared.ok) database.close();
    return prepared;
  } catch (thrown) {
    database?.close();
    return failure(storageError(thrown, file) ?? busErrors.AC_BUS_OPEN({ folder }, thrown));
  }
}
