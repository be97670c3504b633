import { describe, expect, it } from 'vitest';
import { createModel } from '../call-model.ts';
import { requestDigest } from '../metered-model.ts';
import { noUsage, type ModelEvent, type ModelProvider, type ModelRequest } from '../model.ts';
import type { RecordedExchange } from '../exchange-store.ts';
import { requestOf, watched } from '../testing/fixtures.ts';
import { differenceOf } from './difference.ts';
import { openRecorded } from './open-recorded.ts';
import { Recording } from './recording.ts';

function exchange(scope: string, occurrence: number, request: ModelRequest, text: string): RecordedExchange {
  const events: readonly ModelEvent[] = [
    { type: 'text', text },
    { type: 'usage', usage: { ...noUsage, input: 3 } },
    { type: 'end', stop: 'finished' },
  ];
  const key = { scope, occurrence, digest: requestDigest(request), asked: null };
  return { key, exchange: { provider: 'openai', model: 'm', request, events, cost_usd: 1 } };
}

const original: Pick<ModelProvider, 'name' | 'capabilities'> = {
  name: 'openai',
  capabilities: { tools: true, structured: true, cache: false, images: false },
};

async function ask(recording: Recording, request: ModelRequest): Promise<string> {
  const candidate = { provider: openRecorded(original, recording), name: 'm', costOf: () => 0 };
  const model = createModel(candidate, null, { retryDelaysMs: [] });
  expect(model.capabilities).toEqual(original.capabilities);
  const reply = await model.complete(request, watched().options);
  return reply.ok ? reply.value.text : reply.error.code;
}

describe('a recording', () => {
  it('gives each request what it got then, in its order, whoever asks', async () => {
    const [one, two] = [requestOf('one'), requestOf('two')];
    const recording = new Recording([
      exchange('a', 0, one, 'first'),
      exchange('a', 1, one, 'second'),
      exchange('b', 0, two, 'other'),
    ]);
    expect([await ask(recording, one), await ask(recording, two), await ask(recording, one)]).toEqual([
      'first',
      'other',
      'second',
    ]);
    // Work that was lost and is done again asks once more.
    expect(await ask(recording, one)).toBe('second');
    expect([recording.size, recording.used, recording.misses]).toEqual([3, 3, []]);
  });

  it('notes what it has no answer to, beside the request that is most like it', async () => {
    const near = requestOf('a long question about the till');
    const recording = new Recording([
      exchange('far', 0, requestOf('something else'), ''),
      exchange('near', 0, near, ''),
      exchange('also far', 0, requestOf('a'), ''),
    ]);
    expect(await ask(recording, requestOf('a long question about the oven'))).toBe('AC_MODEL_UNRECORDED');
    expect(recording.misses).toEqual([
      {
        digest: requestDigest(requestOf('a long question about the oven')),
        nearest: expect.objectContaining({
          scope: 'near',
          path: 'messages.0.content.0.text',
          recorded: 'a long question about the till',
          asked: 'a long question about the oven',
        }),
      },
    ]);
    expect(recording.used).toBe(0);
    const empty = new Recording([]);
    expect(await ask(empty, near)).toBe('AC_MODEL_UNRECORDED');
    expect(empty.misses[0]?.nearest).toBeNull();
  });
});

describe('a difference', () => {
  it.each<[unknown, unknown, string, string, string]>([
    [{ a: [1, { b: 'x' }] }, { a: [1, { b: 'y' }] }, 'a.1.b', 'x', 'y'],
    [{ a: 1 }, {}, 'a', '1', '(nothing)'],
    [[1], [1, 2], '1', '(nothing)', '2'],
    [null, { a: 1 }, '', 'null', '{"a":1}'],
    ['x'.repeat(100), `${'x'.repeat(99)}y`, '', `…${'x'.repeat(31)}`, `…${'x'.repeat(30)}y`],
  ])('of %j and %j is at %j', (left, right, path, recorded, asked) => {
    expect(differenceOf(left, right)).toMatchObject({ path, recorded, asked });
    expect(differenceOf(left, structuredClone(left))).toBeNull();
  });
});
