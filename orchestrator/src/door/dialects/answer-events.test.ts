import { afterEach, describe, expect, it, vi } from 'vitest';
import { noUsage, type ModelEvent, type ModelRequest } from '../../models/model.ts';
import type { AttemptModels } from '../attempt-services.ts';
import { answerEvents, type AnswerEvent } from './answer-events.ts';
import { converse, type AnswerForm } from './converse.ts';
import { Conversation } from './conversation.ts';
import { collect } from './testing/collect.ts';
import { failing } from './testing/failing.ts';
import { openPlayedModels, played } from './testing/played-models.ts';
import { ToolNames } from './tool-names.ts';

const request: ModelRequest = {
  system: '',
  messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
  tools: [],
  answerSchema: null,
  maxOutputTokens: 10,
  temperature: null,
  cachePrefix: false,
};

async function answered(
  events: readonly ModelEvent[],
  asked: ModelRequest = request,
  models = openPlayedModels(),
  names = new ToolNames(),
): Promise<readonly AnswerEvent[]> {
  models.next(events);
  const { signal } = new AbortController();
  return collect(answerEvents(models, { request: asked, isStream: true, names, signal, hasRefusal: true }));
}

const end = { type: 'end', stop: 'finished' } as const;
const textsOf = (events: readonly AnswerEvent[]): readonly string[] =>
  events.flatMap((event) => (event.type === 'text' ? [event.text] : []));
const callsOf = (events: readonly AnswerEvent[]): readonly unknown[] =>
  events.flatMap((event) => (event.type === 'call' ? [event.call] : []));

describe('answers on their way to a code agent', () => {
  it('S47 hand out whole characters only: what an agent sends back must be one it may send', async () => {
    const split = ['a\uD83D', '\uDE00b', '\uD83D', 'c\uDE00'].map((text) => ({ type: 'text', text }) as const);
    expect(textsOf(await answered([...split, end]))).toEqual(['a', '😀b', '\uFFFDc\uFFFD']);
    const input = { 'k\uD800': ['\uDC00', { deep: 'x\uD800' }] };
    const call = { id: '1\uD800', name: 'n\uD800', input, problem: null };
    expect(callsOf(await answered([{ type: 'tool_call', call }, end]))).toEqual([
      { id: '1\uFFFD', name: 'n\uFFFD', input: { 'k\uFFFD': ['\uFFFD', { deep: 'x\uFFFD' }] } },
    ]);
  });

  it('S47 make an empty object of arguments that are too deep or are none', async () => {
    const deep = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
    const inputs = [{ deep: deep(100_000) }, { deep: deep(90) }, null, 'text', [1], Number.NaN];
    const events = inputs.map((input, index): ModelEvent => {
      return { type: 'tool_call', call: { id: String(index), name: 'n', input, problem: null } };
    });
    expect(callsOf(await answered([...events, end]))).toEqual(
      inputs.map((_, index) => ({ id: String(index), name: 'n', input: {} })),
    );
    const call = { id: '1', name: 'n', input: { deep: deep(60) }, problem: null };
    expect(callsOf(await answered([{ type: 'tool_call', call }, end]))).toMatchObject([{ input: call.input }]);
  });

  it('give every call of a conversation an id of its own', async () => {
    const call = { id: 'call-1', name: 'n', input: {}, problem: null };
    const earlier: ModelRequest = {
      ...request,
      messages: [...request.messages, { role: 'assistant', text: '', toolCalls: [call] }],
    };
    const empty = { ...call, id: '' };
    const events = [call, call, empty, empty].map((one) => ({ type: 'tool_call', call: one }) as const);
    expect(callsOf(await answered([...events, end], earlier))).toMatchObject(
      ['call-1-2', 'call-1-3', 'call', 'call-2'].map((id) => ({ id })),
    );
  });

  it('call tools by the names the agent gave them', async () => {
    const names = new ToolNames();
    const given = ['mcp.search/web', 'mcp search web', 'x'.repeat(100), 'plain-name_1'];
    const neutral = given.map((name) => names.toNeutral(name));
    expect(new Set(neutral).size).toBe(given.length);
    for (const name of neutral) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    expect(neutral[3]).toBe('plain-name_1');
    expect(new ToolNames().toNeutral('mcp.search/web')).toBe(neutral[0]);
    const events = neutral.map((name, index): ModelEvent => {
      return { type: 'tool_call', call: { id: String(index), name, input: {}, problem: null } };
    });
    const calls = callsOf(await answered([...events, end], request, openPlayedModels(), names));
    expect(calls).toMatchObject(given.map((name) => ({ name })));
  });

  it('keep the signature of a call for its return, within bounds, and for this attempt only', async () => {
    const models = openPlayedModels();
    const big = 'x'.repeat(5 * 1024 * 1024);
    const calls = ['a', 'b'].map((id) => ({ id, name: 'n', input: {}, signature: id + big }));
    await answered(played([], calls.slice(0, 1)), request, models);
    const toolCalls = calls.map(({ id, name, input }) => ({ id, name, input, problem: null }));
    const again: ModelRequest = { ...request, messages: [{ role: 'assistant', text: '', toolCalls }] };
    const signatures = async (asked: typeof models): Promise<readonly unknown[]> => {
      await answered([end], again, asked);
      const [message] = asked.asked.at(-1)?.messages ?? [];
      return message?.role === 'assistant' ? message.toolCalls.map(({ signature }) => signature?.[0]) : [];
    };
    expect(await signatures(models)).toEqual(['a', undefined]);
    expect(await signatures(openPlayedModels())).toEqual([undefined, undefined]);
    await answered(played([], calls.slice(1)), request, models);
    expect(await signatures(models)).toEqual([undefined, 'b']);
  });
});

describe('a conversation', () => {
  it('tells later instructions by the user, joins pieces of an answer, and drops what is empty', () => {
    const conversation = new Conversation(new ToolNames());
    conversation.system('One');
    conversation.system('');
    conversation.user([{ type: 'text', text: '' }]);
    conversation.user([{ type: 'text', text: 'Hi' }]);
    conversation.system('Two');
    conversation.assistant('', []);
    conversation.assistant('A', [], true);
    conversation.assistant('', [{ id: '1', name: 'n', input: {} }], true);
    conversation.assistant('B', [], true);
    const call = { id: '1', name: 'n', input: {}, problem: null };
    expect(conversation.finish()).toEqual({
      ok: true,
      value: {
        system: 'One',
        messages: [
          { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
          { role: 'user', content: [{ type: 'text', text: 'Two' }] },
          { role: 'assistant', text: 'A\n\nB', toolCalls: [call] },
        ],
      },
    });
  });
});

const form: AnswerForm = {
  contentType: 'text/plain',
  keepAlive: 'wait ',
  hasRefusal: true,
  writer: () => ({
    begin: () => 'begin ',
    text: (text) => `${text} `,
    call: ({ name }) => `${name} `,
    end: (stop) => stop,
    broken: ({ kind }) => kind,
  }),
  whole: () => null,
  fault: () => ({ status: 400, body: null }),
};

/** What goes out of a stream, piece by piece. */
function streamed(events: AsyncIterable<ModelEvent>, written: string[], given = form): Promise<void> {
  const models: AttemptModels = { ...openPlayedModels(), stream: () => events };
  return converse(
    {
      method: 'POST',
      path: '/',
      query: new URLSearchParams(),
      headers: {},
      models,
      signal: new AbortController().signal,
      readJson: () => Promise.resolve({ ok: false, status: 400, problem: '' }),
      answer: (status) => void written.push(String(status)),
      stream: async (_headers, pieces) => {
        for await (const piece of pieces) written.push(piece);
      },
    },
    { ok: true, value: { request, isStream: true, names: new ToolNames() } },
    given,
  );
}

describe('a silent model', () => {
  afterEach(() => vi.useRealTimers());

  it('does not make an agent give up: it is told that all is well, from the first pause on', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { promise: first, resolve: goOn } = Promise.withResolvers<undefined>();
    async function* slow(): AsyncGenerator<ModelEvent> {
      yield { type: 'usage', usage: noUsage };
      await first;
      yield { type: 'text', text: 'Hello' };
      yield failing('AC_MODEL_CUT', 'later');
    }
    const written: string[] = [];
    const done = streamed(slow(), written);
    await vi.advanceTimersByTimeAsync(9_900);
    expect(written).toEqual([]);
    await vi.advanceTimersByTimeAsync(10_200);
    expect(written).toEqual(['begin ', 'wait ', 'wait ']);
    goOn(undefined);
    await done;
    expect(written.slice(3)).toEqual(['Hello ', 'overloaded']);
  });

  it('is waited for where the format has no word for it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { promise: first, resolve: goOn } = Promise.withResolvers<undefined>();
    async function* slow(): AsyncGenerator<ModelEvent> {
      await first;
      yield failing('AC_MODEL_CUT', 'later');
    }
    const written: string[] = [];
    const done = streamed(slow(), written, { ...form, keepAlive: null });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(written).toEqual([]);
    goOn(undefined);
    await done;
    expect(written).toEqual(['400']);
  });
});
