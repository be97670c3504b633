import type { Readable } from 'node:stream';

/** The host pings every 10 s (DESIGN §6); this long without a byte from it means that nobody waits for the work any more. */
export const hostSilentMs = 45_000;

/**
 * Calls `onGone` when the input ends, or when nothing came from the host for `silentMs`. Either alone is not enough:
 * an engine that is killed leaves the input open (spec security §0.10).
 */
export function watchHost(input: Readable, silentMs: number, onGone: (why: string) => void): () => void {
  let last = performance.now();
  const timer = setInterval(() => {
    if (performance.now() - last > silentMs) onGone(`nothing came from the host for ${silentMs} ms`);
  }, silentMs / 6);
  input.on('data', () => {
    last = performance.now();
  });
  input.once('end', () => onGone('the input ended'));
  input.once('error', () => onGone('the input broke'));
  return () => clearInterval(timer);
}
