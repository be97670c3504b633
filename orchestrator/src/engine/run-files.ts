import { join } from 'node:path';
import type { CompanyHome } from '../company-home.ts';

/** Where the host stores an attempt's bundle until it is ingested. */
export function attemptBundle(home: CompanyHome, attemptId: string): string {
  return join(home.bundlesFolder, `${attemptId}.bundle`);
}

export function runFolder(home: CompanyHome, runId: string): string {
  return join(home.runsFolder, runId);
}

/** The stored standard error of an attempt's container. */
export function attemptLog(home: CompanyHome, runId: string, attemptId: string): string {
  return join(runFolder(home, runId), 'logs', `${attemptId}.log`);
}

/** Marks the folder of a run that is being forgotten: what a crash leaves of it goes at the next start of the engine. */
export function purgeMark(home: CompanyHome, runId: string): string {
  return join(runFolder(home, runId), '.purging');
}
