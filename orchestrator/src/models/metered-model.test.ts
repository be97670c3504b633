import { failure, success, unwrap, type AppError } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { createModel } from './call-model.ts';
import { modelErrors as errors } from './errors.ts';
import type { Exchange, ExchangeStore } from './exchange-store.ts';
import { meteredModel, type Metering } from './metered-model.ts';
import type { CallRecord, Model, ModelEvent, ModelProvider, ModelRequest, Usage } from './model.ts';
import { openPurse, unlimitedPurse, type Amount, type Purse } from './purse.ts';
import { requestOf, watched } from './testing/fixtures.ts';

const usage: Usage = { input: 1000, output: 10, cache_read: 0, cache_write: 0 };
const whole: readonly ModelEvent[] = [
  { type: 'text', text: 'y' },
  { type: 'text', text: 'es' },
  { type: 'usage', usage },
  { type: 'end', stop: 'finished' },
];
/** A thousandth of a dollar for a token. */
const costOf = ({ input, output }: Usage): number => (input + output) / 1000;

interface Played {
  readonly model: Model;
  readonly requests: ModelRequest[];
}

/** A model of which each request goes as written here, the last one again and again. */
function playing(...plays: readonly (readonly ModelEvent[])[]): Played {
  const requests: ModelRequest[] = [];
  const provider: ModelProvider = {
    name: 'scripted',
    capabilities: { tools: true, structured: false, cache: false, images: false },
    async *stream(_model, request) {
      requests.push(request);
      yield* plays[Math.min(requests.length, plays.length) - 1] ?? [];
    },
    check: async () => success(),
  };
  return { model: createModel({ provider, name: 'a', costOf }, null, { retryDelaysMs: [] }), requests };
}

/** A store in memory that says what is in it. */
function remembering(): ExchangeStore & { readonly kept: Map<string, Exchange> } {
  const kept = new Map<string, Exchange>();
  return {
    kept,
    find: async (key) => success(kept.get(JSON.stringify(key)) ?? null),
    keep: async (key, exchange) => {
      kept.set(JSON.stringify(key), exchange);
      return success();
    },
  };
}

/** An unlimited purse that notes what happens to it. */
function noting(): { readonly purse: Purse; readonly bounds: Amount[]; readonly settled: Amount[] } {
  const bounds: Amount[] = [];
  const settled: Amount[] = [];
  const purse: Purse = {
    reserve: async (bound) => {
      bounds.push(bound);
      return success({ settle: (cost) => void settled.push(cost) });
    },
  };
  return { purse, bounds, settled };
}

function metered(
  played: Played,
  more: Partial<Metering> = {},
): { readonly model: Model; readonly calls: CallRecord[] } {
  const calls: CallRecord[] = [];
  const onCall = (call: CallRecord): void => void calls.push(call);
  const metering = { scope: 'task/a/1', store: remembering(), purse: unlimitedPurse, onCall, ...more };
  return { model: meteredModel(played.model, metering), calls };
}

async function eventsOf(model: Model, request = requestOf('x')): Promise<readonly ModelEvent[]> {
  const events: ModelEvent[] = [];
  for await (const event of model.stream(request, watched().options)) events.push(event);
  return events;
}

describe('a metered model', () => {
  it('gives what was paid again for nothing, streamed or whole, and tells of it apart', async () => {
    const store = remembering();
    const played = playing(whole);
    const first = metered(played, { store });
    expect(await eventsOf(first.model)).toEqual(whole);
    expect(first.calls).toEqual([{ provider: 'scripted', model: 'a', usage, cost_usd: 1.01 }]);
    const again: CallRecord[] = [];
    const spent = openPurse('r', { usd: 0, tokens: 0 });
    const second = metered(played, { store, purse: spent, onAgain: (call) => again.push(call) });
    const joined = [{ type: 'text', text: 'yes' }, ...whole.slice(2)];
    expect(await eventsOf(second.model)).toEqual(joined);
    const third = metered(played, { store, purse: spent });
    const reply = unwrap(await third.model.complete(requestOf('x'), watched().options));
    expect(reply).toEqual({
      provider: 'scripted',
      model: 'a',
      text: 'yes',
      toolCalls: [],
      stop: 'finished',
      usage,
      cost_usd: 1.01,
    });
    expect([played.requests.length, second.calls, third.calls]).toEqual([1, [], []]);
    expect(again).toEqual([{ provider: 'scripted', model: 'a', usage, cost_usd: 1.01 }]);
  });

  it('records what was asked for whole as it records a stream', async () => {
    const store = remembering();
    const played = playing(whole);
    unwrap(await metered(played, { store }).model.complete(requestOf('x'), watched().options));
    expect(await eventsOf(metered(played, { store }).model)).toMatchObject([
      { text: 'yes' },
      { usage },
      { type: 'end' },
    ]);
    expect(played.requests).toHaveLength(1);
  });

  it('tells the same request apart by its piece of work, and by how often that made it', async () => {
    const store = remembering();
    const answer = (text: string): readonly ModelEvent[] => [{ type: 'text', text }, ...whole.slice(2)];
    const played = playing(answer('1'), answer('2'), answer('3'));
    const textOf = async (model: Model): Promise<string> =>
      unwrap(await model.complete(requestOf('x'), watched().options)).text;
    const { model } = metered(played, { store });
    expect([await textOf(model), await textOf(model)]).toEqual(['1', '2']);
    expect(await textOf(metered(played, { store, scope: 'task/a/2' }).model)).toBe('3');
    const restarted = metered(played, { store }).model;
    expect([await textOf(restarted), await textOf(restarted)]).toEqual(['1', '2']);
    expect(played.requests).toHaveLength(3);
  });

  it('takes no answer of one model for that of another', async () => {
    const store = remembering();
    const played = playing(whole);
    unwrap(await metered(played, { store }).model.complete(requestOf('x'), watched().options));
    const other = { ...played, model: { ...played.model, name: 'b' } };
    unwrap(await metered(other, { store }).model.complete(requestOf('x'), watched().options));
    expect(played.requests).toHaveLength(2);
    unwrap(await metered(other, { store }).model.complete(requestOf('x'), watched().options));
    expect(played.requests).toHaveLength(2);
  });

  it('takes no order of fields for another request', async () => {
    const store = remembering();
    const played = playing(whole);
    const request = requestOf('x');
    await eventsOf(metered(played, { store }).model, request);
    const turned = Object.fromEntries(Object.entries(request).toReversed()) as unknown as ModelRequest;
    await eventsOf(metered(played, { store }).model, turned);
    expect(played.requests).toHaveLength(1);
  });

  it('keeps the whole before it hands on the end, and nothing of what broke off or was left', async () => {
    const store = remembering();
    const { model } = metered(playing(whole), { store });
    for await (const event of model.stream(requestOf('x'), watched().options))
      expect(store.kept.size).toBe(event.type === 'end' ? 1 : 0);
    const cut: ModelEvent = { type: 'failed', error: errors.AC_MODEL_CUT(), retryAfterMs: null };
    const broken = metered(playing([...whole.slice(0, 1), cut], whole), { store, scope: 's' });
    expect(await eventsOf(broken.model)).toMatchObject([{ text: 'y' }, { error: { code: 'AC_MODEL_CUT' } }]);
    for await (const _ of metered(playing(whole), { store, scope: 't' }).model.stream(
      requestOf('x'),
      watched().options,
    ))
      break;
    expect(store.kept.size).toBe(1);
  });

  it('does not count what had no whole answer: the same try again is found after a crash', async () => {
    const store = remembering();
    const cut: ModelEvent = { type: 'failed', error: errors.AC_MODEL_CUT(), retryAfterMs: null };
    for (const scope of ['stream', 'complete']) {
      const played = playing([cut], whole);
      const first = metered(played, { store, scope }).model;
      if (scope === 'stream') await eventsOf(first);
      else await first.complete(requestOf('x'), watched().options);
      await eventsOf(first);
      expect((await eventsOf(metered(played, { store, scope }).model)).at(-1)).toMatchObject({ type: 'end' });
      expect([scope, played.requests.length]).toEqual([scope, 2]);
    }
  });

  it('uses a reply that could not be recorded, and says so; asks nobody where it cannot look', async () => {
    const broken: AppError = errors.AC_MODEL_ABORTED();
    const told: AppError[] = [];
    const full: ExchangeStore = { find: async () => success(null), keep: async () => failure(broken) };
    const unrecorded = metered(playing(whole), { store: full, onUnrecorded: (error) => told.push(error) });
    expect(await eventsOf(unrecorded.model)).toEqual(whole);
    expect(told).toEqual([broken]);
    const blind: ExchangeStore = { find: async () => failure(broken), keep: async () => success() };
    const played = playing(whole);
    const { model } = metered(played, { store: blind });
    expect(await eventsOf(model)).toEqual([{ type: 'failed', error: broken, retryAfterMs: null }]);
    expect(await model.complete(requestOf('x'), watched().options)).toEqual(failure(broken));
    expect(played.requests).toEqual([]);
  });

  it('asks nobody when the budget does not allow the most that a call can come to', async () => {
    const played = playing(whole);
    const { purse, bounds } = noting();
    await eventsOf(metered(played, { purse }).model);
    const [bound] = bounds;
    const just = openPurse('r', { usd: bound?.usd ?? 0, tokens: bound?.tokens ?? 0 });
    expect(await eventsOf(metered(played, { purse: just }).model)).toEqual(whole);
    const short = openPurse('r', { usd: (bound?.usd ?? 0) - 0.0001, tokens: null });
    const { model, calls } = metered(played, { purse: short });
    expect(await eventsOf(model)).toMatchObject([{ type: 'failed', error: { code: 'AC_BUDGET_SPENT' } }]);
    expect(await model.complete(requestOf('y'), watched().options)).toMatchObject({
      error: { code: 'AC_BUDGET_SPENT' },
    });
    expect([played.requests.length, calls]).toEqual([2, []]);
  });

  it('never spends more together than there is, however many calls at once', async () => {
    const bound = 3.5;
    const purse = openPurse('r', { usd: 10 * bound, tokens: null });
    const dear: ModelEvent[] = [{ type: 'usage', usage: { ...usage, output: 500 } }, ...whole.slice(3)];
    const { model, calls } = metered(playing(dear), { purse });
    await Promise.all(Array.from({ length: 50 }, (_, index) => eventsOf(model, requestOf(`x${index}`))));
    const spent = calls.reduce((sum, call) => sum + (call.cost_usd ?? 0), 0);
    expect(calls.length).toBeGreaterThan(3);
    expect(spent).toBeLessThanOrEqual(10 * bound);
  });

  it('reserves at least a token for each byte and the whole answer, and settles at what it was', async () => {
    const { purse, bounds, settled } = noting();
    const long = '🙂'.repeat(1000);
    await eventsOf(metered(playing(whole), { purse }).model, requestOf(long, { maxOutputTokens: 700 }));
    expect(bounds[0]?.tokens).toBeGreaterThanOrEqual(4700);
    expect(bounds[0]?.usd).toBeCloseTo((bounds[0]?.tokens ?? 0) / 1000);
    expect(settled).toEqual([{ usd: 1.01, tokens: 1010, usage, estimated: false }]);
  });

  it('settles at the bound where the provider did not say what it was, at nothing where it refused', async () => {
    const text = whole.slice(0, 1);
    const end = whole.slice(3);
    const failing = (make: () => AppError): ModelEvent[] => [{ type: 'failed', error: make(), retryAfterMs: null }];
    const half: ModelEvent = { type: 'usage', usage: { ...usage, output: 1 } };
    const cases: readonly (readonly [readonly ModelEvent[], 'bound' | 'part' | 'measured' | 'nothing'])[] = [
      [[...text, ...end], 'bound'],
      [[...text, ...failing(errors.AC_MODEL_CUT)], 'bound'],
      [failing(errors.AC_MODEL_TIMEOUT), 'bound'],
      [[...text, ...failing(errors.AC_MODEL_OVERLOADED)], 'bound'],
      [[half, ...text, ...failing(errors.AC_MODEL_ABORTED)], 'part'],
      [[half, ...failing(errors.AC_MODEL_OVERLOADED)], 'measured'],
      [failing(errors.AC_MODEL_OVERLOADED), 'nothing'],
      [failing(errors.AC_MODEL_KEY_REFUSED), 'nothing'],
      [failing(errors.AC_MODEL_UNREACHABLE), 'nothing'],
    ];
    for (const [events, expected] of cases) {
      const { purse, bounds, settled } = noting();
      const { model, calls } = metered(playing(events), { purse });
      await eventsOf(model);
      const all = { bound: bounds[0]?.tokens, part: 1500, measured: 1001, nothing: 0 };
      expect([events, settled[0]?.tokens]).toEqual([events, all[expected]]);
      const estimated = { bound: [true], part: [true], measured: [undefined], nothing: [] };
      expect(calls.map((call) => call.estimated)).toEqual(estimated[expected]);
    }
  });
});
