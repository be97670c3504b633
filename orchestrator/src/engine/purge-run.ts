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

/** The stream of what a run's workers reported along the way (DESIGN §3). */
export function progressStream(runId: string): string {
  return `${runId}/progress`;
}

/**
 * Forgets a run that has ended: its streams, its files, its line in the read model. Beside a living engine too: nothing follows
 * from a run that has ended. Returns the number of entries dropped; 0 where the bus keeps the run, because its last entry is
 * not older than `closedBefore` (unix ms), a delivery of it is not done, or it has a dead letter.
 */
export async function purgeRun(parts: PurgeParts, runId: string, closedBefore: number): Promise<Result<number>> {
  const { home, bus, model } = parts;
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
