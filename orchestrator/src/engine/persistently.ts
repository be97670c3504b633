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
