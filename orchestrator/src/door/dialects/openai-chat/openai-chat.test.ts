import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openai } from '../openai.ts';
import { collect, thrownBy } from '../testing/collect.ts';
import { openDialectServer, type DialectServer } from '../testing/dialect-server.ts';
import { failing } from '../testing/failing.ts';
import { openPlayedModels, played, type PlayedModels } from '../testing/played-models.ts';

let models: PlayedModels;
let server: DialectServer;
let client: OpenAI;
beforeEach(async () => {
  models = openPlayedModels();
  server = await openDialectServer(openai, models);
  client = new OpenAI({ apiKey: 'any', baseURL: `${server.url}/v1`, maxRetries: 0 });
});
afterEach(() => server.close());

const hello = { model: 'gpt-x', messages: [{ role: 'user' as const, content: 'Hi' }] };
const bash: OpenAI.ChatCompletionTool = {
  type: 'function',
  function: { name: 'bash', description: 'Runs a command.', parameters: { type: 'object' } },
};
const call = { id: 'call_1', name: 'bash', input: { command: 'ls "a b"' } };
const written = {
  id: 'call_1',
  type: 'function' as const,
  function: { name: 'bash', arguments: '{"command":"ls \\"a b\\""}' },
};

/** The status and code of the error a request ends with, and whether it may be sent again. */
async function refusal(asking: Promise<unknown>): Promise<readonly unknown[]> {
  const error = await thrownBy(asking);
  if (!(error instanceof OpenAI.APIError)) throw new Error('it was not refused', { cause: error });
  expect(JSON.stringify(error.error)).not.toMatch(/secret/i);
  return [error.status, error.code, error.headers?.get('x-should-retry')];
}

describe('OpenAI Chat Completions', () => {
  it('streams text and calls as they come, and the tokens only where they are wanted', async () => {
    const answer = played(['Let me ', 'look.'], [call, { ...call, id: 'call_2' }]);
    models.next(answer, answer);
    const stream = client.chat.completions.stream({
      ...hello,
      tools: [bash],
      stream_options: { include_usage: true },
    });
    expect(await stream.finalChatCompletion()).toMatchObject({
      model: 'house-model',
      choices: [
        {
          message: { role: 'assistant', content: 'Let me look.', tool_calls: [written, { ...written, id: 'call_2' }] },
          finish_reason: 'tool_calls',
        },
      ],
      usage: {
        prompt_tokens: 119,
        completion_tokens: 5,
        total_tokens: 124,
        prompt_tokens_details: { cached_tokens: 100 },
      },
    });
    const chunks = await collect(await client.chat.completions.create({ ...hello, stream: true }));
    expect(chunks.filter(({ usage }) => usage)).toEqual([]);
    expect(chunks[0]?.choices[0]?.delta).toEqual({ role: 'assistant', content: '' });
    expect(chunks.every(({ id, choices }) => id === chunks[0]?.id && choices.length === 1)).toBe(true);
  });

  it('answers whole where no stream was asked for', async () => {
    models.next(played([], [call]), [{ type: 'end', stop: 'length' }], [failing('AC_MODEL_REFUSED', 'never')]);
    expect(await client.chat.completions.create({ ...hello, tools: [bash] })).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { content: null, tool_calls: [written] }, finish_reason: 'tool_calls' }],
      usage: { prompt_tokens: 119 },
    });
    for (const reason of ['length', 'content_filter'])
      expect((await client.chat.completions.create(hello)).choices[0]).toMatchObject({ finish_reason: reason });
  });

  it('S42 takes the conversation, and nothing that is not the worker’s to say', async () => {
    const data = 'iVBORw0KGgoAAAAN';
    const image = { type: 'image_url' as const, image_url: { url: `data:image/png;base64,${data}` } };
    await client.chat.completions.create(
      {
        model: 'dear',
        temperature: 0,
        max_completion_tokens: 1_000_000,
        user: 'spy',
        web_search_options: {},
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'plan', schema: { type: 'object' }, strict: true },
        },
        tools: [bash, { type: 'web_search' } as never],
        messages: [
          { role: 'system', content: 'One.' },
          { role: 'developer', content: [{ type: 'text', text: 'Two.' }] },
          { role: 'user', content: [{ type: 'text', text: 'Look' }, image] },
          { role: 'assistant', content: '', tool_calls: [written, { ...written, id: 'call_2' }] },
          { role: 'tool', tool_call_id: 'call_1', content: [{ type: 'text', text: 'a' }, image as never] },
          { role: 'tool', tool_call_id: 'call_2', content: 'b' },
          { role: 'system', content: 'Three.' },
          { role: 'assistant', content: '' },
        ],
      },
      { headers: { 'OpenAI-Organization': 'spy' } },
    );
    const part = { type: 'image', mediaType: 'image/png', data };
    const seen = { name: 'bash', input: call.input, problem: null };
    expect(models.asked).toEqual([
      {
        system: 'One.\n\nTwo.',
        messages: [
          { role: 'user', content: [{ type: 'text', text: 'Look' }, part] },
          {
            role: 'assistant',
            text: '',
            toolCalls: [
              { id: 'call_1', ...seen },
              { id: 'call_2', ...seen },
            ],
          },
          {
            role: 'tool',
            results: [
              { callId: 'call_1', name: 'bash', text: 'a\n[the image follows]', isError: false },
              { callId: 'call_2', name: 'bash', text: 'b', isError: false },
            ],
          },
          { role: 'user', content: [part] },
          { role: 'user', content: [{ type: 'text', text: 'Three.' }] },
        ],
        tools: [{ name: 'bash', description: 'Runs a command.', parameters: { type: 'object' } }],
        answerSchema: { name: 'plan', schema: { type: 'object' } },
        maxOutputTokens: 4000,
        temperature: 0.7,
        cachePrefix: true,
      },
    ]);
  });

  it.each([
    ['AC_BUDGET_SPENT', 'never', [400, 'insufficient_quota', 'false']],
    ['AC_MODEL_CONTEXT_TOO_LONG', 'never', [400, 'context_length_exceeded', 'false']],
    ['AC_MODEL_KEY_REFUSED', 'never', [400, 'invalid_prompt', 'false']],
    ['AC_MODEL_RATE_LIMITED', 'later', [429, 'rate_limit_exceeded', 'true']],
    ['AC_MODEL_OVERLOADED', 'later', [503, null, 'true']],
  ] as const)('tells %s in its own form, and whether to ask again', async (code, retry, expected) => {
    models.next([failing(code, retry, 1500)], [failing(code, retry, 1500)]);
    expect(await refusal(client.chat.completions.create(hello))).toEqual(expected);
    expect(await refusal(client.chat.completions.stream(hello).finalChatCompletion())).toEqual(expected);
  });

  it('tells in a stream that began that it will not end', async () => {
    models.next([{ type: 'text', text: 'half' }, failing('AC_MODEL_CUT', 'later')]);
    await expect(client.chat.completions.stream(hello).finalChatCompletion()).rejects.toThrow(/AC_MODEL_CUT/);
  });

  it.each<[string, object]>([
    ['an unknown part', { messages: [{ role: 'user', content: [{ type: 'input_audio' }] }] }],
    [
      'an image to be fetched',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'http://a' } }] }] },
    ],
    ['no message', { messages: [] }],
    ['a result without a call', { messages: [{ role: 'tool', tool_call_id: 'x', content: '' }] }],
    ['two calls of one id', { messages: [{ role: 'assistant', tool_calls: [written, written] }] }],
  ])('refuses %s', async (_what, more) => {
    const [status] = await refusal(client.post('/chat/completions', { body: { ...hello, ...more } }));
    expect(status).toBe(400);
    expect(models.asked).toEqual([]);
  });

  it('names its one model', async () => {
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['house-model']);
    expect((await client.models.retrieve('house-model')).id).toBe('house-model');
    expect(await refusal(client.models.retrieve('other'))).toEqual([404, 'model_not_found', 'false']);
  });
});
