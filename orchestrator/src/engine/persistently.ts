import { setTimeout as after } from 'node:timers/promises';
import type { AppError, Result } from '@agentcompany/protocol';

const firstPauseMs = 100;
const longestPauseMs = 2000;

/**
 * Repeats `call` while it fails in a way that may pass, with pauses from a tenth of a second to two, until `signal` aborts.
 * It is called at least once; the last failure is the result.
 */
export async function persistently<Value>(
  signal: AbortSignal,
  call: () => Promise<Result<Value>>,
  onFailure: (error: AppError) => void = () => undefined,
): Promise<Result<Value>> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    const result = await call();
    if (result.ok || result.error.retry === 'never' || signal.aborted) return result;
    onFailure(result.error);
    await after(pauseMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return result;
  }
}

/** Errors of a bus whose server does not answer: what is on this machine fails otherwise, and is not waited for. */
const awayCodes: ReadonlySet<string> = new Set(['AC_BUS_AWAY', 'AC_BUS_UNCERTAIN']);

/** As `persistently`, but only while the bus is away (S71): any other failure is the result at once. */
export async function whileAway<Value>(
  signal: AbortSignal,
  call: () => Promise<Result<Value>>,
  onAway: (error: AppError) => void,
): Promise<Result<Value>> {
  const asked = await persistently<Result<Value>>(
    signal,
    async () => {
      const result = await call();
      return result.ok || !awayCodes.has(result.error.code) ? { ok: true, value: result } : result;
    },
    onAway,
  );
  return asked.ok ? asked.value : asked;
}
