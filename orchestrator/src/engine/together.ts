import { success, type Result } from '@agentcompany/protocol';

/**
 * Waits until all loops have ended: the first that fails stops the others and is the result. What one throws, which is a bug,
 * stops them too and is thrown on only when none is at work any more: whoever catches it may give the lock back.
 */
export async function together(
  loops: readonly Promise<Result<undefined>>[],
  stop: AbortController,
): Promise<Result<undefined>> {
  let first: Result<undefined> = success();
  const ended = await Promise.allSettled(
    loops.map(async (loop) => {
      try {
        const result = await loop;
        if (result.ok) return;
        if (first.ok) first = result;
        stop.abort();
      } catch (cause) {
        stop.abort();
        throw cause;
      }
    }),
  );
  const broken = ended.find((loop) => loop.status === 'rejected');
  if (broken !== undefined) throw broken.reason;
  return first;
}
