import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openTestDoor } from '../testing/open-test-door.ts';
import { openPlayedModels } from './testing/played-models.ts';

interface Route {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** The words of an error in this format; undefined where the body is not one. */
  readonly wordsOf: (body: unknown) => unknown;
}

const text = 'Hi';
const schema = { type: 'object' };
const nested = (body: unknown): unknown => (body as { error?: { message?: unknown } }).error?.message;
const gemini = {
  contents: [{ role: 'user', parts: [{ text }] }],
  tools: [{ functionDeclarations: [{ name: 'n', parameters: schema }] }],
};
const messages = [{ role: 'user', content: text }];
const tool = { type: 'function', function: { name: 'n', description: '', parameters: schema } };
const routes: readonly Route[] = [
  {
    path: '/model/anthropic/v1/messages',
    body: {
      model: 'm',
      max_tokens: 10,
      system: text,
      messages,
      tools: [{ name: 'n', input_schema: schema }],
      stream: true,
    },
    wordsOf: nested,
  },
  { path: '/model/anthropic/v1/messages/count_tokens?beta=true', body: { model: 'm', messages }, wordsOf: nested },
  {
    path: '/model/openai/v1/chat/completions',
    body: { model: 'm', messages, tools: [tool], stream: true },
    wordsOf: nested,
  },
  {
    path: '/model/openai/v1/responses',
    body: { model: 'm', input: messages, tools: [{ type: 'function', name: 'n', parameters: schema }], stream: true },
    wordsOf: nested,
  },
  { path: '/model/gemini/v1beta/models/m:streamGenerateContent?alt=sse', body: gemini, wordsOf: nested },
  { path: '/model/gemini/v1beta/models/m:countTokens', body: gemini, wordsOf: nested },
  {
    path: '/model/ollama/api/chat',
    body: { model: 'm', messages, tools: [tool] },
    wordsOf: (body) => (body as { error?: unknown }).error,
  },
];

const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
const chat = (content: string): string => `{"messages":[{"role":"user","content":${content}}]}`;
const many = `[${'0,'.repeat(1_000_000)}0]`;
const unsound: readonly (readonly [number, string | Buffer])[] = [
  [413, Buffer.alloc(17 * 1024 * 1024, 0x20)],
  [400, deep(100_000)],
  [400, '{"a":'.repeat(100_000)],
  [400, chat(deep(100_000))],
  [400, chat('NaN')],
  [400, chat('"\\ud800"')],
  [400, many],
  [400, chat(many)],
  [400, `{"contents":[{"role":"user","parts":${many}}],"input":[{"role":"user","content":${many}}]}`],
  [400, Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
  [400, '[]'],
  [400, 'null'],
  [400, ''],
];

/** Everything inside a JSON value, each with a way to put something else there. */
function places(value: unknown, path: readonly (string | number)[] = []): readonly (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  const inner = Object.entries(value).flatMap(([key, one]) =>
    places(one, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return [path, ...inner];
}

function replaced(value: unknown, [key, ...rest]: readonly (string | number)[], by: unknown): unknown {
  if (key === undefined) return by;
  const copy: unknown = structuredClone(value);
  const holder = copy as Record<string | number, unknown>;
  holder[key] = replaced(holder[key], rest, by);
  return copy;
}

describe.each(routes)('a hostile body at $path', ({ path, body, wordsOf }) => {
  it('S47 is refused in the format’s own form, and the next request is served', { timeout: 30_000 }, async () => {
    const models = openPlayedModels();
    const { call } = await openTestDoor({ models });
    for (const [status, given] of unsound) {
      const answer = await call('POST', path, given);
      // OpenAI has no words for a body that is too large but those for a conversation that is.
      const expected = status === 413 && path.includes('openai') ? 400 : status;
      expect([given.slice(0, 30), answer.status]).toEqual([given.slice(0, 30), expected]);
      expect(wordsOf(JSON.parse(answer.body))).toEqual(expect.any(String));
    }
    expect(models.asked).toEqual([]);
    expect((await call('POST', path, body)).status).toBe(200);
  });

  it('S47 is answered whatever stands in the place of whatever', { timeout: 30_000 }, async () => {
    const models = openPlayedModels();
    const { call } = await openTestDoor({ models });
    const odd = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom<unknown>(
        [],
        {},
        null,
        '',
        -1,
        1e308,
        '__proto__',
        'x'.repeat(70_000),
        JSON.parse('{"__proto__":1}'),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places(body)), odd, async (place, value) => {
        const answer = await call('POST', path, JSON.stringify(replaced(body, place, value)));
        expect([200, 400]).toContain(answer.status);
        if (answer.status === 400) expect(wordsOf(JSON.parse(answer.body))).toEqual(expect.any(String));
      }),
      { numRuns: 100 },
    );
    for (const { maxOutputTokens, temperature, tools } of models.asked) {
      expect([maxOutputTokens <= 4000, temperature]).toEqual([true, 0.7]);
      for (const { name } of tools) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    }
  });
});
