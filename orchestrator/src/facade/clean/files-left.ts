import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { success, type Result } from '@agentcompany/protocol';
import { runEnds, type RunState } from '../../company/states.ts';
import type { CompanyHome } from '../../company-home.ts';
import type { ReadModel } from '../../engine/read-model.ts';
import { attemptOfBundle, checkpointsFolder } from '../../engine/run-files.ts';
import { ownerText, type KnownAttempt } from './attempt-ledger.ts';
import { bytesOnDisk, type Leftover } from './leftover.ts';

type Known = ReadonlyMap<string, KnownAttempt>;

async function leftFile(kind: Leftover['kind'], path: string, owner: string): Promise<Leftover> {
  const remove = async (): Promise<Result<undefined>> => {
    await rm(path, { recursive: true, force: true });
    return success();
  };
  return { kind, name: path, owner, bytes: await bytesOnDisk(path), remove };
}

/** Bundles of attempts that have ended: they were taken in, or nobody will. */
export async function bundlesLeft({ bundlesFolder }: CompanyHome, known: Known): Promise<readonly Leftover[]> {
  const left: Leftover[] = [];
  for (const name of await readdir(bundlesFolder).catch(() => [])) {
    const id = attemptOfBundle(name) ?? '';
    const attempt = known.get(id);
    if (attempt?.hasEnded === true)
      left.push(await leftFile('bundle', join(bundlesFolder, name), ownerText(id, attempt)));
  }
  return left;
}

/** Quarantines of attempts that have ended; without an engine all of them, for only an engine takes results in. */
export async function quarantinesLeft(
  { quarantineFolder }: CompanyHome,
  known: Known,
  hasEngine: boolean,
): Promise<readonly Leftover[]> {
  const left: Leftover[] = [];
  for (const project of await readdir(quarantineFolder).catch(() => []))
    for (const name of await readdir(join(quarantineFolder, project)).catch(() => [])) {
      if (!name.endsWith('.git')) continue;
      const id = name.slice(0, -'.git'.length);
      const attempt = known.get(id);
      if (hasEngine && attempt?.hasEnded !== true) continue;
      left.push(await leftFile('quarantine', join(quarantineFolder, project, name), ownerText(id, attempt)));
    }
  return left;
}

/** What the attempts of ended runs left each other to go on from. */
export async function checkpointsLeft(home: CompanyHome, model: ReadModel): Promise<readonly Leftover[]> {
  const left: Leftover[] = [];
  for (const { run_id: runId, state } of model.summaries()) {
    const folder = checkpointsFolder(home, runId);
    const names = runEnds.has(state as RunState) ? await readdir(folder).catch(() => []) : [];
    if (names.length > 0) left.push(await leftFile('checkpoints', folder, `run ${runId.slice(0, 18)}`));
  }
  return left;
}
