import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { databaseFile } from './database.ts';

interface End {
  readonly last: string | null;
  readonly streams: number;
}

/** The last entry cannot tell that a stream was dropped, the number of streams can. */
const query = `SELECT (SELECT id FROM messages ORDER BY position DESC LIMIT 1) AS last, (SELECT count(*) FROM streams) AS streams`;

/** Where the store in `folder` ends and which file that is, without preparing it for work. Null where it cannot be read as it is. */
export function databaseEnd(folder: string): string | null {
  const file = databaseFile(folder);
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return null;
  try {
    const database = new Database(file, { readonly: true, fileMustExist: true });
    try {
      const end = database.prepare<[], End>(query).get();
      return end === undefined ? null : [found.ino, end.last, end.streams].join(' ');
    } finally {
      database.close();
    }
  } catch (thrown) {
    // What is wrong with it is told by whoever opens it.
    if (thrown instanceof Database.SqliteError) return null;
    throw thrown;
  }
}
