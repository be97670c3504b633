import { failure, success, type AppError, type Result } from '@agentcompany/protocol';
import type { CompanyBus, PurgedRun } from '../bus-facade.ts';
import { runEnds, type RunState } from '../company/states.ts';
import { countPending, progressStream, purgeRun } from '../engine/purge-run.ts';
import { countEntries } from './bus-reading.ts';
import type { FacadeContext } from './context.ts';
import { facadeErrors } from './errors.ts';
import { findRun } from './find-run.ts';

/** Every instant is before it. */
const ever = Number.MAX_SAFE_INTEGER;

/** Forgets runs that have ended; open ones are refused or left alone. */
export function openBusPurging(context: FacadeContext): Pick<CompanyBus, 'purgeRun' | 'purgeBefore'> {
  return {
    purgeRun: (id, options) => purgeOne(context, id, options.dryRun),
    purgeBefore: (before, options) => purgeBefore(context, before, options.dryRun),
  };
}

async function purgeOne(context: FacadeContext, id: string, dryRun: boolean): Promise<Result<PurgedRun>> {
  const run = await findRun(context, id);
  if (!run.ok) return run;
  const { run_id: runId, state } = run.value;
  if (!runEnds.has(state as RunState)) return failure(facadeErrors.AC_RUN_OPEN({ run: runId, state }));
  const purged = await purge(context, runId, ever, dryRun);
  if (!purged.ok) return purged;
  return purged.value.kept === null ? purged : failure(purged.value.kept);
}

async function purgeBefore(
  context: FacadeContext,
  before: number,
  dryRun: boolean,
): Promise<Result<readonly PurgedRun[]>> {
  const refreshed = await context.model.refresh();
  if (!refreshed.ok) return refreshed;
  const all: PurgedRun[] = [];
  for (const { run_id: runId, updated_at: at } of context.model.ended()) {
    if (Date.parse(at) >= before) continue;
    const purged = await purge(context, runId, before, dryRun);
    if (!purged.ok) return purged;
    if (purged.value.entries > 0 || purged.value.kept !== null) all.push(purged.value);
  }
  return success(all);
}

async function purge(
  context: FacadeContext,
  runId: string,
  before: number,
  dryRun: boolean,
): Promise<Result<PurgedRun>> {
  const dropped = dryRun
    ? await countEntries(context.bus, [runId, progressStream(runId)])
    : await purgeRun(context, runId, before);
  if (!dropped.ok) return dropped;
  if (!dryRun && dropped.value > 0) return success({ run_id: runId, entries: dropped.value, kept: null });
  const kept = await whyKept(context, runId);
  if (!kept.ok) return kept;
  return success({ run_id: runId, entries: kept.value === null ? dropped.value : 0, kept: kept.value });
}

/** What keeps the run; null where nothing does but its age. */
async function whyKept({ bus }: FacadeContext, runId: string): Promise<Result<AppError | null>> {
  const pending = await countPending(bus, runId);
  if (!pending.ok) return pending;
  return success(pending.value === 0 ? null : facadeErrors.AC_RUN_UNDELIVERED({ run: runId, pending: pending.value }));
}
