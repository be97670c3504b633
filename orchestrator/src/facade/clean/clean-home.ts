import { failure, success, type AppError, type Result } from '@agentcompany/protocol';
import { instanceId, type CompanyHome } from '../../company-home.ts';
import type { CleanedItem, CleanReport } from '../../company-facade.ts';
import type { ContainerEngine } from '../../containers/container-engine.ts';
import { takeEngineLock } from '../../engine/engine-lock.ts';
import type { ReadModel } from '../../engine/read-model.ts';
import { facadeErrors } from '../errors.ts';
import { knownAttempts } from './attempt-ledger.ts';
import { containersLeft } from './containers-left.ts';
import { bundlesLeft, checkpointsLeft, quarantinesLeft } from './files-left.ts';
import type { Leftover } from './leftover.ts';
import { compactVaults, referencesLeft } from './references-left.ts';
import { temporaryFoldersLeft } from './temporary-left.ts';

export interface CleanParts {
  readonly home: CompanyHome;
  readonly model: ReadModel;
  /** Null: containers are left alone, and so are folders whose containers would have to go first. */
  readonly openEngine: (() => Promise<Result<ContainerEngine>>) | null;
}

/**
 * Removes what is provably this home's and finished, or only says what it would (`dryRun`): nothing of another home, nothing of a live
 * attempt, no result that is nowhere else. Beside a running engine it removes less: only what the ledger says has ended. A container
 * engine that cannot be reached is among the problems, and the rest is cleaned. Errors: those of the read model, `AC_HOME_DAMAGED`.
 */
export async function cleanHome(
  parts: CleanParts,
  { dryRun }: { readonly dryRun: boolean },
): Promise<Result<CleanReport>> {
  const lock = takeEngineLock(parts.home.lockFile);
  if (!lock.ok && lock.error.code !== 'AC_ENGINE_RUNNING') return lock;
  try {
    return await cleanBeside(parts, { dryRun, hasEngine: !lock.ok });
  } finally {
    if (lock.ok) lock.value.release();
  }
}

/** `cleanHome` by who knows whether an engine is at work. */
export async function cleanBeside(
  parts: CleanParts,
  { dryRun, hasEngine }: { readonly dryRun: boolean; readonly hasEngine: boolean },
): Promise<Result<CleanReport>> {
  const refreshed = await parts.model.refresh();
  if (!refreshed.ok) return refreshed;
  const found = await findLeftovers(parts, hasEngine);
  if (!found.ok) return found;
  const { kept, left, problems } = found.value;
  const items: CleanedItem[] = [];
  for (const leftover of left) items.push(dryRun ? itemOf(leftover, null) : await removeOne(leftover));
  const gone = left.filter((_, index) => items[index]?.error === null);
  const report = { dry_run: dryRun, engine_running: hasEngine, items, kept, problems };
  const bytes = gone.reduce((sum, leftover) => sum + leftover.bytes, 0);
  if (dryRun) return success({ ...report, bytes_freed: bytes });
  const results = gone.filter(({ kind }) => kind === 'result');
  const ofResults = results.reduce((sum, leftover) => sum + leftover.bytes, 0);
  // Beside an engine a vault is not compacted: its room comes back with the next cleaning without one.
  const compacted = hasEngine ? success(0) : await compactVaults(parts.home.vaultsFolder, results);
  if (!compacted.ok)
    return success({ ...report, problems: [...problems, compacted.error], bytes_freed: bytes - ofResults });
  return success({ ...report, bytes_freed: bytes - ofResults + compacted.value });
}

interface Found {
  readonly left: readonly Leftover[];
  readonly kept: CleanReport['kept'];
  readonly problems: readonly AppError[];
}

async function findLeftovers({ home, model, openEngine }: CleanParts, hasEngine: boolean): Promise<Result<Found>> {
  const instance = instanceId(home);
  if (!instance.ok) return instance;
  const known = await knownAttempts(model);
  const engine = await openEngine?.();
  const containers = engine?.ok
    ? await containersLeft({ engine: engine.value, instance: instance.value, known, hasEngine })
    : success([]);
  const references = await referencesLeft(home.vaultsFolder, known);
  const problems = [engine, containers, references].flatMap((result) => (result?.ok === false ? [result.error] : []));
  const left = [
    ...(containers.ok ? containers.value : []),
    ...(await bundlesLeft(home, known)),
    ...(await quarantinesLeft(home, known, hasEngine)),
    ...(await checkpointsLeft(home, model)),
    ...(references.ok ? references.value.left : []),
    ...(await temporaryFoldersLeft(engine?.ok ? engine.value : null)),
  ];
  return success({ left, kept: references.ok ? references.value.kept : [], problems });
}

async function removeOne(leftover: Leftover): Promise<CleanedItem> {
  try {
    const removed = await leftover.remove();
    return itemOf(leftover, removed.ok ? null : removed.error);
  } catch (cause) {
    const refused = failure(facadeErrors.AC_CLEAN_FAILED({ name: leftover.name }, cause));
    return itemOf(leftover, refused.error);
  }
}

function itemOf({ kind, name, owner, bytes }: Leftover, error: AppError | null): CleanedItem {
  return { kind, name, owner, bytes, error };
}
