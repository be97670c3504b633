import { failure, success, type Result } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { engineErrors } from './errors.ts';
import { keepSwept } from './keep-swept.ts';

const waits = { betweenMs: 1, awayMs: 1 };

/** Sweeps with these answers one after the other, and gives what was noted. */
async function noted(...answers: readonly Result<number>[]): Promise<readonly (readonly [string, unknown])[]> {
  const stop = new AbortController();
  const lines: (readonly [string, unknown])[] = [];
  const left = [...answers];
  const runner = {
    run: () => Promise.reject(new Error('nothing is run here')),
    pinImage: () => Promise.reject(new Error('nothing is run here')),
    close: async () => undefined,
    sweep: async (isLive: (attempt: string) => boolean) => {
      expect(isLive('any')).toBe(false);
      const answer = left.shift();
      if (left.length === 0) stop.abort();
      return answer ?? success(0);
    },
  };
  await keepSwept({ runner, log: (event, details) => void lines.push([event, details]) }, stop.signal, waits);
  return lines;
}

describe('sweeping in operation', () => {
  it('S17 goes on while the engine of containers is away, and says what went when it is back', async () => {
    const error = engineErrors.AC_HOST_DIED({ attempt: 'a' });
    expect(await noted(success(0), failure(error), success(2), success(0))).toEqual([
      ['sweep-failed', { error }],
      ['containers-swept', { containers: 2 }],
    ]);
  });

  it('ends at once when it is told to', async () => {
    const signal = AbortSignal.abort();
    await keepSwept({ runner: {} as never, log: () => undefined }, signal);
    expect(signal.aborted).toBe(true);
  });
});
