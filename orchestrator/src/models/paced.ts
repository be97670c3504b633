import { setTimeout } from 'node:timers/promises';
import type { CallOptions, ModelEvent, ModelRequest } from './model.ts';

type Ask = (request: ModelRequest, options: Pick<CallOptions, 'signal' | 'onCall'>) => AsyncIterable<ModelEvent>;

const minuteMs = 60_000;

/**
 * Lets `perMinute` requests begin in a minute, the first of them at once; whoever comes beyond that waits its turn, in its order
 * (S42, by the generic cell rate algorithm). It refuses nothing: an agent that asks much is slowed down, and one that floods
 * takes no more of what a provider allows the company than this.
 */
export function paced(perMinute: number, ask: Ask): Ask {
  const interval = minuteMs / perMinute;
  let begins = Number.NEGATIVE_INFINITY;
  const takeTurn = async (signal: AbortSignal): Promise<void> => {
    const now = performance.now();
    begins = Math.max(begins + interval, now);
    const wait = begins - now - (minuteMs - interval);
    // Who gives up is told so by what it asked for.
    if (wait > 0) await setTimeout(wait, undefined, { signal }).catch(() => undefined);
  };
  return async function* (request, options) {
    await takeTurn(options.signal);
    yield* ask(request, options);
  };
}
