import { dirname } from 'node:path';
import type { AppError } from '@agentcompany/protocol';
import { busErrors } from '../../errors.ts';

const full = new Set(['ENOSPC', 'EDQUOT', 'SQLITE_FULL']);
const noAccess = new Set(['EACCES', 'EPERM', 'ENOTDIR', 'EROFS', 'ENOENT', 'EMFILE', 'ENFILE', 'EISDIR', 'EEXIST']);

/** The code of what the file system or the lock's library threw; null for anything else, hence a bug. */
function systemCode(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'string') return null;
  return /^(E[A-Z0-9]+|SQLITE_(?!ERROR|MISUSE|RANGE)[A-Z_]+)$/.test(thrown.code) ? thrown.code : null;
}

/** True where the disk has no room: the step can be taken back. */
export function isFull(thrown: unknown): boolean {
  return full.has(systemCode(thrown) ?? '');
}

/** True where a file is not there (any more). */
export function isMissing(thrown: unknown): boolean {
  return systemCode(thrown) === 'ENOENT';
}

/** True where the store can no longer be trusted to keep what it was given: it must not be used again (DESIGN §4). */
export function isFatal(error: AppError): boolean {
  return error.code === 'AC_BUS_FSYNC' || error.code === 'AC_BUS_CORRUPT';
}

/** The coded error of a failed call on `file`; null where what was thrown is not the system's, hence a bug. */
export function storageError(thrown: unknown, file: string): AppError | null {
  const code = systemCode(thrown);
  if (code === null) return null;
  if (full.has(code)) return busErrors.AC_BUS_FULL({ file }, thrown);
  if (noAccess.has(code) || code.startsWith('SQLITE_CANTOPEN'))
    return busErrors.AC_BUS_OPEN({ folder: dirname(file) }, thrown);
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') return busErrors.AC_BUS_CORRUPT({ file }, thrown);
  if (code.startsWith('SQLITE_BUSY')) return busErrors.AC_BUS_BUSY({ file, milliseconds: 0 }, thrown);
  return busErrors.AC_BUS_FSYNC({ file }, thrown);
}
