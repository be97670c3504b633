import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAnthropic } from '../../models/anthropic/open-anthropic.ts';
import { openGemini } from '../../models/gemini/open-gemini.ts';
import {
  noUsage,
  type ModelMessage,
  type ModelProvider,
  type ModelRequest,
  type ToolCall,
  type Usage,
  type UserPart,
} from '../../models/model.ts';
import { openOllama } from '../../models/ollama/open-ollama.ts';
import { openOpenai } from '../../models/openai/open-openai.ts';
import type { Connection } from '../../models/transport.ts';
import { anthropic } from './anthropic/anthropic.ts';
import type { Dialect } from './dialect.ts';
import { gemini } from './gemini/gemini.ts';
import { ollama } from './ollama/ollama.ts';
import { openai } from './openai.ts';
import { openDialectServer, type DialectServer } from './testing/dialect-server.ts';
import { openPlayedModels, played, playedUsage, type PlayedModels } from './testing/played-models.ts';

const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
const name = fc.stringMatching(/^[a-zA-Z0-9_-]{1,64}$/);
const input = fc
  .dictionary(words, fc.oneof(words, fc.integer(), fc.boolean(), fc.array(words, { maxLength: 3 })), { maxKeys: 4 })
  .filter((value) => !Object.hasOwn(value, '__proto__'));
const images = [
  { type: 'image', mediaType: 'image/png', data: 'iVBORw0KGgoAAAAN' },
  { type: 'image', mediaType: 'image/jpeg', data: '/9j/4AAQ' },
  { type: 'image', mediaType: 'image/gif', data: 'R0lGODlhAQAB' },
  { type: 'image', mediaType: 'image/webp', data: 'UklGRhoAAABXRUJQ' },
] as const;
const part: fc.Arbitrary<UserPart> = fc.oneof(
  { weight: 3, arbitrary: words.map((text) => ({ type: 'text' as const, text })) },
  { weight: 1, arbitrary: fc.constantFrom(...images) },
);
const call = fc.record({ name, input, answer: words, isError: fc.boolean(), signature: fc.option(words) });
const user = fc
  .array(part, { minLength: 1, maxLength: 3 })
  .map((content): readonly ModelMessage[] => [{ role: 'user', content }]);
const assistant = words.map((text): readonly ModelMessage[] => [{ role: 'assistant', text, toolCalls: [] }]);
/** Calls of one answer, some of the same tool, and the results of all. */
const turn = fc
  .tuple(fc.oneof(words, fc.constant('')), fc.array(call, { minLength: 1, maxLength: 4 }))
  .map(([text, calls]): readonly ModelMessage[] => [
    {
      role: 'assistant',
      text,
      toolCalls: calls.map((given, index) => ({
        id: `id-${index}`,
        name: given.name,
        input: given.input,
        problem: null,
        ...(given.signature === null ? {} : { signature: given.signature }),
      })),
    },
    {
      role: 'tool',
      results: calls.map((given, index) => ({
        callId: `id-${index}`,
        name: given.name,
        text: given.answer,
        isError: given.isError,
      })),
    },
  ]);
const messages = fc.tuple(user, fc.array(fc.oneof(user, assistant, turn), { maxLength: 5 })).map(([first, rest]) =>
  // Ids are of one call each in the whole conversation.
  [first, ...rest].flatMap((some, place) => some.map((message) => withPlace(message, place))),
);

function withPlace(message: ModelMessage, place: number): ModelMessage {
  if (message.role === 'assistant')
    return { ...message, toolCalls: message.toolCalls.map((one) => ({ ...one, id: `${place}-${one.id}` })) };
  if (message.role === 'tool')
    return { role: 'tool', results: message.results.map((one) => ({ ...one, callId: `${place}-${one.callId}` })) };
  return message;
}

const schema = fc.constant({ type: 'object', properties: { path: { type: 'string' } } });
const request: fc.Arbitrary<ModelRequest> = fc.record({
  system: words,
  messages,
  tools: fc.uniqueArray(fc.record({ name, description: words, parameters: schema }), {
    maxLength: 3,
    selector: (tool) => tool.name,
  }),
  answerSchema: fc.option(fc.record({ name: fc.constant('answer'), schema })),
  maxOutputTokens: fc.integer({ min: 1, max: 9000 }),
  temperature: fc.constant(null),
  cachePrefix: fc.boolean(),
});
const answer = fc.record({
  texts: fc.array(words, { maxLength: 4 }),
  calls: fc.array(fc.record({ name, input }), { maxLength: 3 }),
});

interface Subject {
  readonly dialect: Dialect;
  readonly open: (connection: Connection) => ModelProvider;
  readonly path: string;
  /** What the format keeps. */
  readonly call: (given: ToolCall, number: number) => ToolCall;
  readonly keepsErrors: boolean;
  readonly keepsCacheMark: boolean;
  readonly joinsText: boolean;
  readonly usage: Usage;
}

const unsigned = ({ id, name: called, input: given, problem }: ToolCall): ToolCall => ({
  id,
  name: called,
  input: given,
  problem,
});
const whole = { keepsErrors: true, keepsCacheMark: true, joinsText: false } as const;
const subjects: readonly Subject[] = [
  {
    ...whole,
    dialect: anthropic,
    open: openAnthropic,
    path: '',
    call: unsigned,
    usage: { input: 12, output: 5, cache_read: 100, cache_write: 7 },
  },
  {
    ...whole,
    dialect: openai,
    open: openOpenai,
    path: '/v1',
    call: unsigned,
    keepsErrors: false,
    keepsCacheMark: false,
    usage: { input: 19, output: 5, cache_read: 100, cache_write: 0 },
  },
  {
    ...whole,
    dialect: gemini,
    open: openGemini,
    path: '',
    call: (given) => given,
    keepsCacheMark: false,
    usage: { input: 19, output: 5, cache_read: 100, cache_write: 0 },
  },
  {
    ...whole,
    dialect: ollama,
    open: openOllama,
    path: '',
    call: (given, number) => ({ ...unsigned(given), id: `call-${number}` }),
    keepsErrors: false,
    keepsCacheMark: false,
    joinsText: true,
    usage: { input: 119, output: 5, cache_read: 0, cache_write: 0 },
  },
];

/** The request as it arrives: the format's losses, and what is the attempt's to say. */
function expected(given: ModelRequest, subject: Subject): ModelRequest {
  let count = 0;
  const ids = new Map<string, string>();
  const rename = (one: ToolCall): ToolCall => {
    count += 1;
    const renamed = subject.call(one, count);
    ids.set(one.id, renamed.id);
    return renamed;
  };
  const arrived = given.messages.map((message): ModelMessage => {
    if (message.role === 'assistant') return { ...message, toolCalls: message.toolCalls.map(rename) };
    if (message.role === 'tool')
      return {
        role: 'tool',
        results: message.results.map((one) => ({
          ...one,
          callId: ids.get(one.callId) ?? '',
          isError: one.isError && subject.keepsErrors,
        })),
      };
    return { role: 'user', content: subject.joinsText ? joined(message.content) : message.content };
  });
  return {
    ...given,
    messages: arrived,
    maxOutputTokens: Math.min(given.maxOutputTokens, 4000),
    temperature: 0.7,
    cachePrefix: subject.keepsCacheMark ? given.cachePrefix : given.tools.length > 0,
  };
}

function joined(content: readonly UserPart[]): readonly UserPart[] {
  const texts = content.flatMap((one) => (one.type === 'text' ? [one.text] : []));
  const text: readonly UserPart[] = texts.length === 0 ? [] : [{ type: 'text', text: texts.join('\n') }];
  return [...text, ...content.filter(({ type }) => type === 'image')];
}

describe.each(subjects)('$dialect.name, spoken by our own adapter', (subject) => {
  let models: PlayedModels;
  let server: DialectServer;
  beforeEach(async () => {
    models = openPlayedModels();
    server = await openDialectServer(subject.dialect, models);
  });
  afterEach(() => server.close());

  async function ask(given: ModelRequest): Promise<{
    readonly text: string;
    readonly calls: readonly ToolCall[];
    readonly usage: Usage;
    readonly last: unknown;
  }> {
    const { dialect, open, path } = subject;
    const baseUrl = server.url + path;
    const name = dialect.name as Connection['provider'];
    const provider = open({ provider: name, baseUrl, key: 'any', variable: 'KEY' });
    const seen = { text: '', calls: [] as ToolCall[], usage: noUsage, last: null as unknown };
    for await (const event of provider.stream('other-model', given, AbortSignal.timeout(10_000))) {
      if (event.type === 'text') seen.text += event.text;
      else if (event.type === 'tool_call') seen.calls.push(event.call);
      else if (event.type === 'usage') seen.usage = event.usage;
      else seen.last = event;
    }
    return seen;
  }

  it(
    'S42 gives the request back, but for the model, the temperature and tokens beyond the attempt’s',
    { timeout: 30_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(request, async (given) => {
          const { last } = await ask(given);
          expect(last).toEqual({ type: 'end', stop: 'finished' });
          expect(models.asked.at(-1)).toEqual(expected(given, subject));
        }),
        { numRuns: 60 },
      );
    },
  );

  it('gives the answer back', { timeout: 30_000 }, async () => {
    const tools = ['a', 'b', 'c'].map((tool) => ({ name: tool, description: '', parameters: { type: 'object' } }));
    await fc.assert(
      fc.asyncProperty(answer, async ({ texts, calls }) => {
        const named = calls.map(({ input: given }, index) => ({
          id: `call-${index + 1}`,
          name: 'abc'[index] ?? '',
          input: given,
        }));
        // Anthropic tells what was read at once, the others at the end.
        models.next([{ type: 'usage', usage: playedUsage }, ...played(texts, named)]);
        const messages: readonly ModelMessage[] = [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }];
        const seen = await ask({ ...plain, messages, tools });
        expect(seen).toEqual({
          text: texts.join(''),
          calls: named.map((one) => ({ ...one, problem: null })),
          usage: subject.usage,
          last: { type: 'end', stop: named.length > 0 ? 'tool_calls' : 'finished' },
        });
      }),
      { numRuns: 60 },
    );
  });
});

const plain: ModelRequest = {
  system: '',
  messages: [],
  tools: [],
  answerSchema: null,
  maxOutputTokens: 100,
  temperature: null,
  cachePrefix: false,
};
