import { describe, expect, it } from 'vitest';
import type { ModelEvent, ModelRequest } from './model.ts';
import { paced } from './paced.ts';
import { requestOf } from './testing/fixtures.ts';

const perMinute = 300;
const intervalMs = 60_000 / perMinute;

function textOf({ messages }: ModelRequest): string {
  return JSON.stringify(messages);
}

describe('requests at a pace', () => {
  const begun: string[] = [];
  const ask = paced(perMinute, async function* (request): AsyncGenerator<ModelEvent> {
    begun.push(textOf(request));
    yield { type: 'text', text: 'yes' };
  });
  const begin = async (text: string, signal = new AbortController().signal): Promise<number> => {
    const events: ModelEvent[] = [];
    for await (const event of ask(requestOf(text), { signal })) events.push(event);
    expect(events).toEqual([{ type: 'text', text: 'yes' }]);
    return performance.now();
  };

  it('S42 begin at once as far as the minute has room; the others wait their turn, in their order', async () => {
    const start = performance.now();
    const first = Array.from({ length: perMinute }, (_, index) => begin(`first ${index}`));
    const more = ['one', 'two', 'three'].map((text) => begin(text));
    await Promise.all(first);
    const times = await Promise.all(more);
    expect(begun.slice(perMinute)).toEqual(['one', 'two', 'three'].map((text) => textOf(requestOf(text))));
    // A timer may come up to a millisecond early.
    times.forEach((time, index) => expect(time - start).toBeGreaterThan((index + 1) * intervalMs - 2));
    const ended = new AbortController();
    const given = Array.from({ length: 50 }, () => begin('given up', ended.signal));
    ended.abort();
    const after = await Promise.all(given);
    expect(Math.max(...after) - Math.max(...times)).toBeLessThan(50 * intervalMs);
  });
});
