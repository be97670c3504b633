import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { failure, success, type Result } from '@agentcompany/protocol';
import Database from 'better-sqlite3';
import { orchestratorErrors } from '../errors.ts';

/** Holds the company's engine; `release` gives it back. */
export interface EngineLock {
  release(): void;
}

const ownerFile = (lockFile: string): string => `${lockFile}.owner`;

/** Milliseconds for which a command that only asks who holds the lock may hold it itself. */
const probeMs = 250;

/**
 * Takes the engine's lock: an open `BEGIN EXCLUSIVE` on `lock.db`, which the kernel frees when the process dies (DESIGN §2).
 * The owner's pid beside it is for messages only. Error: `AC_ENGINE_RUNNING`.
 */
export function takeEngineLock(lockFile: string): Result<EngineLock> {
  const database = tryLock(lockFile, probeMs);
  if (database === null)
    return failure(orchestratorErrors.AC_ENGINE_RUNNING({ pid: readOwner(lockFile) ?? 'unknown' }));
  noteOwner(lockFile);
  return success({
    release: () => {
      rmSync(ownerFile(lockFile), { force: true });
      database.close();
    },
  });
}

/** For messages only: a full disk must not keep the engine from its work. */
function noteOwner(lockFile: string): void {
  try {
    writeFileSync(ownerFile(lockFile), JSON.stringify({ pid: process.pid }));
  } catch {
    rmSync(ownerFile(lockFile), { force: true });
  }
}

/** Pid of whoever holds the lock; null where it is free. */
export function engineOwner(lockFile: string): number | null {
  const database = tryLock(lockFile, 0);
  if (database === null) return readOwner(lockFile) ?? 0;
  database.close();
  return null;
}

function tryLock(lockFile: string, waitMs: number): Database.Database | null {
  const database = new Database(lockFile, { timeout: waitMs });
  try {
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (cause) {
    database.close();
    if (cause instanceof Error && 'code' in cause && String(cause.code).startsWith('SQLITE_BUSY')) return null;
    throw cause;
  }
}

function readOwner(lockFile: string): number | null {
  try {
    const owner: unknown = JSON.parse(readFileSync(ownerFile(lockFile), 'utf8'));
    return typeof owner === 'object' && owner !== null && 'pid' in owner && typeof owner.pid === 'number'
      ? owner.pid
      : null;
  } catch {
    return null;
  }
}
