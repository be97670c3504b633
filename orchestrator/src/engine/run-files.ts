import { join } from 'node:path';
import type { HostFolders } from './host-parts.ts';

const bundleSuffix = '.bundle';

/** Where an attempt's bundle is stored until it is ingested. */
export function attemptBundle(folders: Pick<HostFolders, 'bundlesFolder'>, attemptId: string): string {
  return join(folders.bundlesFolder, `${attemptId}${bundleSuffix}`);
}

/** The attempt that a file among the bundles belongs to; null for a part of one. */
export function attemptOfBundle(name: string): string | null {
  return name.endsWith(bundleSuffix) ? name.slice(0, -bundleSuffix.length) : null;
}

export function runFolder(home: Pick<HostFolders, 'runsFolder'>, runId: string): string {
  return join(home.runsFolder, runId);
}

/** The stored standard error of an attempt's container. */
export function attemptLog(home: Pick<HostFolders, 'runsFolder'>, runId: string, attemptId: string): string {
  return join(runFolder(home, runId), 'logs', `${attemptId}.log`);
}

/** What the attempts of a run's tasks leave each other: a folder for each task. */
export function checkpointsFolder(home: Pick<HostFolders, 'runsFolder'>, runId: string): string {
  return join(runFolder(home, runId), 'checkpoints');
}

/** Marks the folder of a run that is being forgotten: what a crash leaves of it goes at the next start of the engine. */
export function purgeMark(home: Pick<HostFolders, 'runsFolder'>, runId: string): string {
  return join(runFolder(home, runId), '.purging');
}

/** The same of an attempt on another machine, whose models are asked for it here: an engine that starts again must not take it for dead. */
export function lentSpendingFile(home: Pick<HostFolders, 'runsFolder'>, runId: string, attemptId: string): string {
  return join(runFolder(home, runId), 'spending', `${attemptId}.lent.ndjson`);
}

/** What an attempt's models may cost and did cost, call by call. */
export function spendingFile(home: Pick<HostFolders, 'runsFolder'>, runId: string, attemptId: string): string {
  return join(runFolder(home, runId), 'spending', `${attemptId}.ndjson`);
}
