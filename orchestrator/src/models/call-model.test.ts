import { describe, expect, it } from 'vitest';
import { createModel } from './call-model.ts';
import { modelErrors as errors } from './errors.ts';
import { maximumOutputTokens, type CallRecord, type ModelEvent, type ModelProvider } from './model.ts';
import { requestOf, watched } from './testing/fixtures.ts';

const usage = { input: 1000, output: 10, cache_read: 0, cache_write: 0 };

/** A provider of which each request goes as written here. */
function playing(...plays: readonly (readonly ModelEvent[])[]): ModelProvider & { requests: string[] } {
  const requests: string[] = [];
  return {
    name: 'scripted',
    capabilities: { tools: false, structured: false, cache: false, images: false },
    requests,
    async *stream(model) {
      requests.push(model);
      yield* plays[requests.length - 1] ?? [];
    },
    check: async () => ({ ok: true, value: undefined }),
  };
}

const failed: ModelEvent = { type: 'failed', error: errors.AC_MODEL_OVERLOADED(), retryAfterMs: null };
const refused: ModelEvent = { type: 'failed', error: errors.AC_MODEL_REFUSED(), retryAfterMs: null };
const whole: readonly ModelEvent[] = [
  { type: 'text', text: 'yes' },
  { type: 'usage', usage },
  { type: 'end', stop: 'finished' },
];

describe('createModel', () => {
  it('sends nothing that asks for an impossible number of tokens', async () => {
    for (const maxOutputTokens of [0, -1, 1.5, maximumOutputTokens + 1, 1_000_000]) {
      const provider = playing(whole);
      const model = createModel({ provider, name: 'a', costOf: () => 1 }, null, { retryDelaysMs: [] });
      const expected = { code: 'AC_MODEL_TOKENS_REFUSED' };
      const completed = await model.complete(requestOf('x', { maxOutputTokens }), watched().options);
      expect(completed).toMatchObject({ ok: false, error: expected });
      for await (const event of model.stream(requestOf('x', { maxOutputTokens }), watched().options))
        expect(event).toMatchObject({ type: 'failed', error: expected });
      expect(provider.requests).toEqual([]);
    }
  });

  it('tells the tokens and the cost of each request, the failed ones too, each at the price of its model', async () => {
    const provider = playing([{ type: 'usage', usage }, failed], [refused], whole);
    const first = { provider, name: 'a', costOf: () => 0.5 };
    const second = { provider, name: 'b', costOf: () => null };
    const { options, calls } = watched();
    const reply = await createModel(first, second, { retryDelaysMs: [1] }).complete(requestOf('x'), options);
    expect(reply).toMatchObject({ ok: true, value: { model: 'b', text: 'yes', cost_usd: null } });
    expect(provider.requests).toEqual(['a', 'a', 'b']);
    const told = calls.map(({ model, cost_usd }: CallRecord) => [model, cost_usd]);
    expect(told).toEqual([
      ['a', 0.5],
      ['b', null],
    ]);
  });

  it('streams from the next try as long as nothing was handed out', async () => {
    const provider = playing([failed], [{ type: 'text', text: 'half' }, failed], whole);
    const model = createModel({ provider, name: 'a', costOf: () => 0 }, null, { retryDelaysMs: [1, 1] });
    const types: string[] = [];
    for await (const event of model.stream(requestOf('x'), watched().options)) types.push(event.type);
    expect(types).toEqual(['text', 'failed']);
    expect(provider.requests).toHaveLength(2);
  });

  it('stops between two tries when it is called off', async () => {
    const provider = playing([failed], whole);
    const { options, abort } = watched();
    const model = createModel({ provider, name: 'a', costOf: () => 0 }, null, { retryDelaysMs: [60_000] });
    setTimeout(() => abort.abort(), 20);
    const completed = await model.complete(requestOf('x'), options);
    expect(completed).toMatchObject({ ok: false, error: { code: 'AC_MODEL_ABORTED' } });
    expect(provider.requests).toHaveLength(1);
  });
});
