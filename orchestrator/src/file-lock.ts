import Database from 'better-sqlite3';
import { failure, type Result } from '@agentcompany/protocol';
import { orchestratorErrors as errors } from './errors.ts';

const waitMilliseconds = 5000;

function isBusy(cause: unknown): boolean {
  return (
    cause instanceof Error && 'code' in cause && typeof cause.code === 'string' && cause.code.startsWith('SQLITE_BUSY')
  );
}

/**
 * Runs `action` while no other process holds `lockFile`: an open exclusive transaction, which the kernel frees at the holder's death.
 * Error: `AC_PROJECTS_BUSY` after five seconds.
 */
export function withFileLock<Value>(lockFile: string, action: () => Result<Value>): Result<Value> {
  const database = new Database(lockFile, { timeout: waitMilliseconds });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    if (isBusy(cause)) return failure(errors.AC_PROJECTS_BUSY({}, cause));
    throw cause;
  }
  try {
    return action();
  } finally {
    database.close();
  }
}
