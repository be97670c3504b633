import { setTimeout as pause } from 'node:timers/promises';
import { success, type Result } from '@agentcompany/protocol';
import type { Log } from './log.ts';
import { finishPurges, progressStream, purgeRun, type PurgeParts } from './purge-run.ts';

const dayMs = 86_400_000;

export interface RetentionParts extends PurgeParts {
  readonly log: Log;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Days after which a run that has ended is forgotten; null: never. */
  readonly runDays: number | null;
  /** The same of its progress stream. */
  readonly progressDays: number | null;
}

/**
 * Forgets what is older than the company keeps it. Only runs that have ended are looked at; an open one keeps all it has,
 * however old. Returns what was dropped.
 */
export async function applyRetention(
  parts: RetentionParts,
  signal?: AbortSignal,
): Promise<Result<{ readonly runs: number; readonly entries: number }>> {
  const finished = await finishPurges(parts);
  if (!finished.ok) return finished;
  const refreshed = await parts.model.refresh();
  if (!refreshed.ok) return refreshed;
  const progress = await dropProgress(parts);
  if (!progress.ok) return progress;
  let [runs, entries] = [0, progress.value];
  for (const runId of endedBefore(parts, parts.runDays)) {
    if (signal?.aborted === true) break;
    const purged = await purgeRun(parts, runId, cutoff(parts, parts.runDays));
    if (!purged.ok) return purged;
    runs += purged.value > 0 ? 1 : 0;
    entries += purged.value;
  }
  return success({ runs, entries });
}

async function dropProgress(parts: RetentionParts): Promise<Result<number>> {
  const old = endedBefore(parts, parts.progressDays).map(progressStream);
  if (old.length === 0) return success(0);
  const present = await parts.bus.streams();
  if (!present.ok) return present;
  // Only what is there: naming a stream costs a step, and most have gone before.
  const names = new Set(present.value);
  const streams = old.filter((stream) => names.has(stream));
  if (streams.length === 0) return success(0);
  const dropped = await parts.bus.compact({ closedBefore: cutoff(parts, parts.progressDays), streams });
  return dropped.ok ? success(dropped.value.entries) : dropped;
}

function cutoff({ now }: RetentionParts, days: number | null): number {
  return days === null ? 0 : now() - days * dayMs;
}

function endedBefore(parts: RetentionParts, days: number | null): readonly string[] {
  const before = cutoff(parts, days);
  return parts.model
    .ended()
    .filter(({ updated_at: at }) => Date.parse(at) < before)
    .map(({ run_id: id }) => id);
}

/**
 * Applies retention now and every day until `signal` aborts, and lets the store give up what is spent, such as records of leases that
 * are over. A failure is noted, and tried again the next day.
 */
export async function keepRetention(parts: RetentionParts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const applied = await applyRetention(parts, signal);
    if (applied.ok && applied.value.entries > 0) parts.log('retention-applied', applied.value);
    const tidied = applied.ok ? await parts.bus.compact({ closedBefore: 0, streams: [] }) : applied;
    if (!tidied.ok) parts.log('retention-failed', { error: tidied.error });
    await pause(dayMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
