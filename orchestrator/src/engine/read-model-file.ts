import { rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { RunSummary } from '../company/view.ts';

/** Raised with every change of the tables: a model of another version is made anew. */
export const schemaVersion = 6;

/** What a model was made from. */
export interface Cursor {
  /** Position of the last entry taken in. */
  readonly position: number;
  /** Which store. */
  readonly place: string;
  /** Where that store ended when the model held all of it and nothing else; empty where that is not known. */
  readonly store_end: string;
}

/** A model that a power cut spoilt holds nothing that the ledger does not: it is made anew. */
export function openReadModelFile(file: string): Database.Database {
  try {
    return openDatabase(file);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (!code.startsWith('SQLITE_CORRUPT') && code !== 'SQLITE_NOTADB') throw cause;
    for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
    return openDatabase(file);
  }
}

function openDatabase(file: string): Database.Database {
  const database = new Database(file, { timeout: 5000 });
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = OFF');
    readVersion(database);
    return database;
  } catch (cause) {
    database.close();
    throw cause;
  }
}

export function readVersion(database: Database.Database): unknown {
  return database.pragma('user_version', { simple: true });
}

export function readCursor(database: Database.Database): Cursor {
  const read = database.prepare<[], Cursor>('SELECT position, place, store_end FROM cursor');
  return read.get() ?? { position: 0, place: '', store_end: '' };
}

/** Throws the model away and begins one of this store. */
export function resetModel(database: Database.Database, place: string): void {
  database.exec(`
    DROP TABLE IF EXISTS runs;
    DROP TABLE IF EXISTS cursor;
    CREATE TABLE runs (run_id TEXT PRIMARY KEY, version INTEGER NOT NULL, state TEXT NOT NULL, summary TEXT NOT NULL, view TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE cursor (position INTEGER NOT NULL, place TEXT NOT NULL, store_end TEXT NOT NULL);
    PRAGMA user_version = ${schemaVersion};
  `);
  database.prepare("INSERT INTO cursor VALUES (0, ?, '')").run(place);
}

/** Every run, oldest first. */
export function readSummaries(database: Database.Database): readonly RunSummary[] {
  const rows = database.prepare<[], { summary: string }>('SELECT summary FROM runs ORDER BY run_id').all();
  return rows.map(({ summary }) => JSON.parse(summary) as RunSummary);
}

/** Every run, oldest first, where the model is known to hold all that the store has that ends there; null where it is not, or cannot be read. */
export function summariesAt(file: string, place: string, storeEnd: string): readonly RunSummary[] | null {
  try {
    const database = new Database(file, { readonly: true, fileMustExist: true });
    try {
      const read = database.transaction(() => {
        if (readVersion(database) !== schemaVersion) return null;
        const cursor = readCursor(database);
        return cursor.place === place && cursor.store_end === storeEnd ? readSummaries(database) : null;
      });
      return read();
    } finally {
      database.close();
    }
  } catch (thrown) {
    if (thrown instanceof Database.SqliteError) return null;
    throw thrown;
  }
}
