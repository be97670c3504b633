import { existsSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import type { AgentBus } from '@agentcompany/agent-bus';
import { success, type Result } from '@agentcompany/protocol';
import type { CompanyHome } from '../company-home.ts';
import type { ReadModel } from './read-model.ts';
import { purgeMark, runFolder } from './run-files.ts';

export interface PurgeParts {
  readonly home: CompanyHome;
  readonly bus: AgentBus;
  readonly model: ReadModel;
}

/** Entries read at once: each may have megabytes. */
const pageSize = 200;

/** The stream of what a run's workers reported along the way (DESIGN §3). */
export function progressStream(runId: string): string {
  return `${runId}/progress`;
}

/**
 * Forgets a run that has ended: its dead letters, its streams, its files, its line in the read model. Beside a living engine too:
 * nothing follows from a run that has ended. Returns the number of entries dropped; 0 where the run is kept, because its last
 * entry is not older than `closedBefore` (unix ms) or a delivery of it is not done.
 */
export async function purgeRun(parts: PurgeParts, runId: string, closedBefore: number): Promise<Result<number>> {
  const { home, bus, model } = parts;
  const settled = await dropDeadLetters(bus, runId, closedBefore);
  if (!settled.ok) return settled;
  if (!settled.value) return success(0);
  const mark = existsSync(runFolder(home, runId)) ? purgeMark(home, runId) : null;
  if (mark !== null) await writeFile(mark, '');
  // The run's own stream last: until it is gone the run is listed, and this can be repeated.
  const progress = await bus.compact({ closedBefore, streams: [progressStream(runId)] });
  if (!progress.ok) return progress;
  const dropped = await bus.compact({ closedBefore, streams: [runId] });
  if (!dropped.ok) return dropped;
  if (dropped.value.streams === 0) {
    if (mark !== null) await rm(mark, { force: true });
    return success(0);
  }
  await rm(runFolder(home, runId), { recursive: true, force: true });
  const forgotten = await model.forget(runId);
  return forgotten.ok ? success(progress.value.entries + dropped.value.entries) : forgotten;
}

/** False where one is younger, or the run is kept for another reason: then none of them goes. */
async function dropDeadLetters(bus: AgentBus, runId: string, closedBefore: number): Promise<Result<boolean>> {
  const dead = await bus.deadLetters();
  if (!dead.ok) return dead;
  const letters = dead.value.filter(({ envelope }) => envelope.context.run_id === runId);
  if (letters.length === 0) return success(true);
  const pending = await countPending(bus, runId);
  if (!pending.ok) return pending;
  if (pending.value > 0 || letters.some(({ buriedAt }) => Date.parse(buriedAt) >= closedBefore)) return success(false);
  for (const { id } of letters) {
    const purged = await bus.purge(id);
    if (!purged.ok && purged.error.code !== 'AC_BUS_UNKNOWN_DEAD_LETTER') return purged;
  }
  return success(true);
}

/** Deliveries of the run that are neither done nor given up. */
export async function countPending(bus: AgentBus, runId: string): Promise<Result<number>> {
  let pending = 0;
  for (let after = 0; ; after += pageSize) {
    const entries = await bus.readStream(runId, { after, limit: pageSize });
    if (!entries.ok) return entries;
    const found = await bus.deliveries(entries.value.map(({ envelope }) => envelope.id));
    if (!found.ok) return found;
    pending += found.value.filter(({ state }) => state !== 'done' && state !== 'buried').length;
    if (entries.value.length < pageSize) return success(pending);
  }
}

/** Ends purges that a crash cut short: a marked folder goes if its stream is gone, else it is no longer marked. */
export async function finishPurges({ home, bus }: Pick<PurgeParts, 'home' | 'bus'>): Promise<Result<undefined>> {
  for (const runId of await readdir(home.runsFolder).catch(() => [])) {
    const mark = purgeMark(home, runId);
    if (!existsSync(mark)) continue;
    const version = await bus.streamVersion(runId);
    if (!version.ok) return version;
    await rm(version.value === 0 ? runFolder(home, runId) : mark, { recursive: true, force: true });
  }
  return success();
}
