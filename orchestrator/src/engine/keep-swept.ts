import { setTimeout as pause } from 'node:timers/promises';
import type { HostParts } from './host-parts.ts';

const betweenMs = 5 * 60_000;
/** While the container engine is away: what it still runs when it comes back goes soon. */
const awayMs = 15_000;

/**
 * Removes containers of this host that none of its jobs is in, again and again until `signal` aborts: one whose removal failed because
 * the engine was away, one that a crash of the engine left. Those of its own jobs the runner knows.
 */
export async function keepSwept(
  { runner, log }: Pick<HostParts, 'runner' | 'log'>,
  signal: AbortSignal,
  waits: { readonly betweenMs: number; readonly awayMs: number } = { betweenMs, awayMs },
): Promise<void> {
  let waitMs = waits.betweenMs;
  while (!signal.aborted) {
    await pause(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return;
    const swept = await runner.sweep(() => false);
    if (swept.ok && swept.value > 0) log('containers-swept', { containers: swept.value });
    if (!swept.ok) log('sweep-failed', { error: swept.error });
    waitMs = swept.ok ? waits.betweenMs : waits.awayMs;
  }
}
