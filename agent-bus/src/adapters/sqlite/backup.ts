import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import Database from 'better-sqlite3';
import { busErrors } from '../../errors.ts';
import { makePrivateFolder, syncFile, syncFolder } from '../../file-system.ts';
import { storageError } from './storage-error.ts';

/** Pages copied before the other work of the process has its turn. */
const pagesAtOnce = 256;

/**
 * Copies the bus in `folder` into a new one in `target`, also while others use it: the copy is the bus as it was when the call began, with
 * all that was acknowledged before. It is there whole or not at all. To restore, open it. Needs no open bus.
 * Errors: `AC_BUS_NOT_EMPTY` where `target` holds a bus, `AC_BUS_OPEN`, `AC_BUS_FULL`, `AC_BUS_CORRUPT`, `AC_BUS_FSYNC`.
 */
export async function backupSqliteBus(folder: string, target: string): Promise<Result<undefined>> {
  const [source, file] = [join(folder, 'bus.db'), join(target, 'bus.db')];
  if (existsSync(file)) return failure(busErrors.AC_BUS_NOT_EMPTY({ place: target, entries: 'some' }));
  let database: Database.Database | null = null;
  try {
    makePrivateFolder(target);
    database = new Database(source, { readonly: true, fileMustExist: true });
    // Held open, or each commit of another process would begin the copy anew.
    database.exec('BEGIN');
    database.prepare('SELECT count(*) FROM facts').get();
    await database.backup(`${file}.part`, { progress: () => pagesAtOnce });
    syncFile(`${file}.part`);
    renameSync(`${file}.part`, file);
    syncFolder(dirname(file));
    return success();
  } catch (thrown) {
    rmSync(`${file}.part`, { force: true });
    return failure(storageError(thrown, source) ?? busErrors.AC_BUS_OPEN({ folder: target }, thrown));
  } finally {
    database?.close();
  }
}
