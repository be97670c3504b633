import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '../../engine/log.ts';
import { cleanBeside, type CleanParts } from './clean-home.ts';

const hourMs = 3_600_000;

/**
 * Removes what ended runs left behind, now and every hour until `signal` aborts, beside the engine that calls it. What went and how
 * many bytes that freed is in the log. Containers are the worker host's own affair.
 */
export async function keepClean(parts: Omit<CleanParts, 'openEngine'>, log: Log, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const cleaned = await cleanBeside({ ...parts, openEngine: null }, { dryRun: false, hasEngine: true });
    if (!cleaned.ok) log('clean-failed', { error: cleaned.error });
    else if (cleaned.value.items.length > 0) {
      const { items, bytes_freed: bytes } = cleaned.value;
      log('cleaned', { removed: items.filter(({ error }) => error === null).length, bytes_freed: bytes });
      for (const { name, error } of items) if (error !== null) log('not-removed', { name, error });
    }
    await pause(hourMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
