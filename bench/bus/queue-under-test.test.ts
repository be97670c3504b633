import { describe, expect, it } from 'vitest';
import { inBatches, makeMessages, messageBytes } from './message.ts';
import { expectAll, receiving, sending, type QueueUnderTest } from './queue-under-test.ts';

/** A queue in memory; `take` stands between what it holds and what it gives. */
function memoryQueue(take: (ids: readonly string[]) => readonly string[]): QueueUnderTest {
  const held: string[] = [];
  return {
    send: async (batches) => void held.push(...batches.flat().map(({ id }) => id)),
    consumer: async () => ({ handle: async (count) => take(held.splice(0, count)), close: async () => undefined }),
    close: async () => undefined,
  };
}

describe('a message', () => {
  it('has the same length as every other one and an id of its own', () => {
    const messages = makeMessages(50);
    expect(new Set(messages.map((message) => Buffer.byteLength(JSON.stringify(message))))).toEqual(
      new Set([messageBytes]),
    );
    expect(new Set(messages.map(({ id }) => id)).size).toBe(50);
  });

  it('is in one batch, the last of which may be short', () => {
    expect(inBatches([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
  });
});

describe('a queue that is measured', () => {
  it('has a rate when it gives what was sent', async () => {
    const queue = memoryQueue((ids) => ids);
    expect(await sending(queue, 'whole', { count: 200, batch: 100 })()).toBeGreaterThan(0);
    expect(await receiving(queue, 'whole', { count: 200, batch: 1 })()).toBeGreaterThan(0);
  });

  it('has none when it loses, doubles or exchanges a message', async () => {
    const load = { count: 3, batch: 1 };
    const losing = memoryQueue((ids) => ids.slice(1));
    const doubling = memoryQueue(([first = '', ...rest]) => [first, first, ...rest]);
    await expect(sending(losing, 'losing', load)()).rejects.toThrow('losing: 3 messages were sent, 2 of 2 handled');
    await expect(receiving(doubling, 'doubling', load)()).rejects.toThrow('3 of 4 handled');
    const [sent, others] = [makeMessages(2), makeMessages(2)];
    expect(() => expectAll(sent, [sent[0]?.id ?? '', others[0]?.id ?? ''], 'other')).toThrow('other: 2 messages');
  });
});
