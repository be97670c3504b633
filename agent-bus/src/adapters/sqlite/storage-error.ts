import { dirname } from 'node:path';
import type { AppError } from '@agentcompany/protocol';
import { busErrors } from '../../errors.ts';

/** Codes that a right program never meets. */
const ourFault = /^SQLITE_(ERROR|CONSTRAINT|MISUSE|RANGE|MISMATCH)/;
const noAccess = /^SQLITE_(CANTOPEN|READONLY|PERM|AUTH)/;

/** The SQLite result code of what was thrown (`SQLITE_BUSY`, `SQLITE_IOERR_FSYNC` …), null for anything else. */
function sqliteCode(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'string') return null;
  return thrown.code.startsWith('SQLITE_') ? thrown.code : null;
}

/** True where another connection holds the lock: the call may be tried again. */
export function isBusy(thrown: unknown): boolean {
  return sqliteCode(thrown)?.startsWith('SQLITE_BUSY') ?? false;
}

/** True where the store can no longer be trusted to keep what it was given: it must not be used again (DESIGN §4). */
export function isFatal(error: AppError): boolean {
  return error.code === 'AC_BUS_FSYNC' || error.code === 'AC_BUS_CORRUPT';
}

/** The coded error of a failed call on `file`; null where what was thrown is not the store's, hence a bug. */
export function storageError(thrown: unknown, file: string): AppError | null {
  const code = sqliteCode(thrown);
  if (code === null || ourFault.test(code)) return null;
  // The index of the log could not grow: it is rebuilt at need, nothing durable is in it.
  if (code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_SHMSIZE') return busErrors.AC_BUS_FULL({ file }, thrown);
  if (code.startsWith('SQLITE_IOERR')) return busErrors.AC_BUS_FSYNC({ file }, thrown);
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') return busErrors.AC_BUS_CORRUPT({ file }, thrown);
  if (noAccess.test(code)) return busErrors.AC_BUS_OPEN({ folder: dirname(file) }, thrown);
  if (code.startsWith('SQLITE_BUSY')) return busErrors.AC_BUS_BUSY({ file, milliseconds: 0 }, thrown);
  return busErrors.AC_BUS_UNCERTAIN({}, thrown);
}
