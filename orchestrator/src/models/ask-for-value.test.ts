import { failure, success, type Result } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { askForValue, type ValueQuestion } from './ask-for-value.ts';
import { createModel } from './call-model.ts';
import { findJson } from './find-json.ts';
import { openAnthropic } from './anthropic/open-anthropic.ts';
import { simpleSchema } from './simple-schema.ts';
import { anthropicDialect } from './testing/anthropic-dialect.ts';
import { watched } from './testing/fixtures.ts';
import { openLoopbackServer } from './testing/loopback-server.ts';

function accept(value: unknown): Result<number, string> {
  const isGood = typeof value === 'object' && value !== null && 'n' in value && typeof value.n === 'number';
  return isGood ? success(value.n as number) : failure('n must be a number');
}

const asked: ValueQuestion<number> = {
  system: '',
  question: 'A number, please.',
  form: { name: 'number', schema: { type: 'object' } },
  tools: [],
  maxOutputTokens: 100,
  temperature: null,
  repairs: 2,
  accept,
};

/** Asks a model that gives these answers one after the other. */
async function ask(...answers: readonly string[]): Promise<{ result: Result<number>; bodies: readonly unknown[] }> {
  await using server = await opened();
  server.next(...answers.map((text) => ({ kind: 'answer' as const, answer: { texts: [text] } })));
  const provider = openAnthropic({ provider: 'anthropic', baseUrl: server.url, key: 'sk-key-key', variable: 'KEY' });
  const model = createModel({ provider, name: 'm1', costOf: () => null }, null, { retryDelaysMs: [] });
  const result = await askForValue(model, asked, watched().options);
  expect(server.objections).toEqual([]);
  return { result, bodies: server.seen.map(({ body }) => body) };
}

async function opened() {
  const server = await openLoopbackServer({ dialect: anthropicDialect, key: 'sk-key-key', models: [] });
  return { ...server, [Symbol.asyncDispose]: () => server.close() };
}

describe('askForValue', () => {
  it('takes a good answer at once, also from a code fence or from between words', async () => {
    for (const text of ['{"n": 4}', '```json\n{"n": 4}\n```', 'Here you are: {"n": 4}. Enjoy!']) {
      const { result, bodies } = await ask(text);
      expect([result, bodies.length]).toEqual([success(4), 1]);
    }
  });

  it('gives a wrong answer back with what is wrong, marked for the cache, and takes the corrected one', async () => {
    const { result, bodies } = await ask('{"n": "four"}', '{"n": 4}');
    expect(result).toEqual(success(4));
    const repaired = JSON.stringify(bodies[1]);
    expect(repaired).toContain('n must be a number');
    expect(repaired).toContain('four');
    expect([JSON.stringify(bodies[0]), repaired].map((body) => body.includes('cache_control'))).toEqual([false, true]);
  });

  it('ends after the allowed repairs with the last problem', async () => {
    const { result, bodies } = await ask('one', '', '{"n": null}', '{"n": 4}');
    expect(bodies).toHaveLength(3);
    expect(result).toMatchObject({
      ok: false,
      error: { code: 'AC_MODEL_ANSWER_INVALID', message: expect.stringContaining('n must be a number') },
    });
  });
});

describe('findJson', () => {
  it('finds the value an answer is, and never a part of one', () => {
    expect(findJson('[1]')).toEqual([[1]]);
    expect(findJson('a {"b": [2]} c')).toEqual([{ b: [2] }]);
    expect(findJson('as in [1]: {"b": 2}')).toEqual([{ b: 2 }, [1]]);
    expect(findJson('so: [{"b": 2}].')).toEqual([[{ b: 2 }]]);
    expect(findJson('```\n[3]\n```\n```json\n{}\n```')).toEqual([[3], {}]);
    for (const broken of ['{"a": [1], }', '```\n{"a": [1], }\n```', 'x {"a": [1],} y', 'no, "text" and 5 {'])
      expect(findJson(broken)).toEqual([]);
  });

  it('takes no long time over a hostile text', () => {
    const start = performance.now();
    findJson('[{'.repeat(200_000) + '}]'.repeat(200_000));
    findJson('```\n'.repeat(100_000));
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

describe('simpleSchema', () => {
  it('keeps the form and leaves the bounds away, but no field named like one', () => {
    const schema = {
      $schema: 'x',
      type: 'object',
      properties: {
        pattern: { type: 'string', pattern: 'a', maxLength: 3 },
        list: { type: 'array', items: { oneOf: [] } },
      },
      required: ['pattern'],
      additionalProperties: false,
    };
    expect(simpleSchema(schema)).toEqual({
      type: 'object',
      properties: { pattern: { type: 'string' }, list: { type: 'array', items: { anyOf: [] } } },
      required: ['pattern'],
      additionalProperties: false,
    });
  });
});
