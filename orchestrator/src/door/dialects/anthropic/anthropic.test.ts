import Anthropic from '@anthropic-ai/sdk';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { thrownBy } from '../testing/collect.ts';
import { openDialectServer, type DialectServer } from '../testing/dialect-server.ts';
import { failing } from '../testing/failing.ts';
import { openPlayedModels, played, type PlayedModels } from '../testing/played-models.ts';
import { anthropic } from './anthropic.ts';

let models: PlayedModels;
let server: DialectServer;
let client: Anthropic;
beforeEach(async () => {
  models = openPlayedModels();
  server = await openDialectServer(anthropic, models);
  client = new Anthropic({ apiKey: 'any', baseURL: server.url, maxRetries: 0 });
});
afterEach(() => server.close());

const hello = { model: 'claude-x', max_tokens: 8000, messages: [{ role: 'user' as const, content: 'Hi' }] };
const bash: Anthropic.Tool = {
  name: 'Bash',
  description: 'Runs a command.',
  input_schema: { type: 'object', properties: { command: { type: 'string' } } },
};
const call = { id: 'toolu_1', name: 'Bash', input: { command: 'ls "a b"' } };

/** The status and type of the error a request ends with, and whether it may be sent again. */
async function refusal(asking: Promise<unknown>): Promise<readonly unknown[]> {
  const error = await thrownBy(asking);
  if (!(error instanceof Anthropic.APIError)) throw new Error('it was not refused', { cause: error });
  expect(JSON.stringify(error.error)).not.toMatch(/secret/i);
  const body = error.error as { readonly type: string; readonly error: { readonly type: string } };
  return [error.status, body.type, body.error.type, error.headers?.get('x-should-retry')];
}

describe('Anthropic Messages', () => {
  it('streams text and calls as they come, and ends with the tokens', async () => {
    models.next(played(['Let me ', 'look.'], [call, { ...call, id: 'toolu_2' }]));
    const stream = client.messages.stream({ ...hello, tools: [bash] });
    const kinds: string[] = [];
    stream.on('streamEvent', ({ type }) => kinds.push(type));
    const message = await stream.finalMessage();
    expect(message).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: 'house-model',
      content: [
        { type: 'text', text: 'Let me look.' },
        { type: 'tool_use', ...call },
        { type: 'tool_use', ...call, id: 'toolu_2' },
      ],
      stop_reason: 'tool_use',
      usage: { input_tokens: 12, output_tokens: 5, cache_read_input_tokens: 100, cache_creation_input_tokens: 7 },
    });
    const block = (...deltas: readonly string[]): readonly string[] => [
      'content_block_start',
      ...deltas,
      'content_block_stop',
    ];
    const delta = 'content_block_delta';
    expect(kinds).toEqual([
      'message_start',
      ...block(delta, delta),
      ...block(delta),
      ...block(delta),
      'message_delta',
      'message_stop',
    ]);
  });

  it('answers whole where no stream was asked for', async () => {
    models.next(played(['Hello'], [call]), [{ type: 'end', stop: 'length' }], [failing('AC_MODEL_REFUSED', 'never')]);
    expect(await client.messages.create({ ...hello, tools: [bash] })).toMatchObject({
      id: expect.stringMatching(/^msg_[0-9a-f]{32}$/),
      content: [
        { type: 'text', text: 'Hello' },
        { type: 'tool_use', ...call },
      ],
      usage: { input_tokens: 12, output_tokens: 5 },
    });
    expect(await client.messages.create(hello)).toMatchObject({ content: [], stop_reason: 'max_tokens' });
    expect(await client.messages.create(hello)).toMatchObject({ content: [], stop_reason: 'refusal' });
  });

  it('S42 takes the conversation, and nothing that is not the worker’s to say', async () => {
    const data = 'iVBORw0KGgoAAAAN';
    const image = {
      type: 'image' as const,
      source: { type: 'base64' as const, media_type: 'image/png' as const, data },
    };
    await client.post('/v1/messages', {
      body: {
        ...hello,
        max_tokens: 1_000_000,
        temperature: 0,
        top_k: 3,
        stop_sequences: ['x'],
        metadata: { user_id: 'spy' },
        system: [
          { type: 'text', text: 'One.' },
          { type: 'text', text: 'Two.', cache_control: { type: 'ephemeral' } },
        ],
        tools: [bash, { type: 'web_search_20250305', name: 'web_search' }],
        messages: [
          { role: 'user', content: [{ type: 'text', text: 'Look' }, image] },
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 'hm', signature: 's' },
              { type: 'text', text: 'I look.' },
              { type: 'tool_use', ...call },
              { type: 'tool_use', ...call, id: 'toolu_2' },
            ],
          },
          {
            role: 'user',
            content: [
              { type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: 'a' }, image] },
              { type: 'tool_result', tool_use_id: 'toolu_2', content: 'b', is_error: true },
              { type: 'text', text: 'And now?' },
            ],
          },
        ],
      },
      headers: { 'x-spy': 'yes', 'anthropic-beta': 'web-search' },
    });
    const part = { type: 'image', mediaType: 'image/png', data };
    const seen = { name: 'Bash', input: call.input, problem: null };
    expect(models.asked).toEqual([
      {
        system: 'One.\n\nTwo.',
        messages: [
          { role: 'user', content: [{ type: 'text', text: 'Look' }, part] },
          {
            role: 'assistant',
            text: 'I look.',
            toolCalls: [
              { id: 'toolu_1', ...seen },
              { id: 'toolu_2', ...seen },
            ],
          },
          {
            role: 'tool',
            results: [
              { callId: 'toolu_1', name: 'Bash', text: 'a\n[the image follows]', isError: false },
              { callId: 'toolu_2', name: 'Bash', text: 'b', isError: true },
            ],
          },
          { role: 'user', content: [part, { type: 'text', text: 'And now?' }] },
        ],
        tools: [{ name: 'Bash', description: 'Runs a command.', parameters: bash.input_schema }],
        answerSchema: null,
        maxOutputTokens: 4000,
        temperature: 0.7,
        cachePrefix: true,
      },
    ]);
  });

  it('offers a tool that was kept back once the conversation names it', async () => {
    const tools = [
      bash,
      { ...bash, name: 'Later', defer_loading: true },
      { ...bash, name: 'Never', defer_loading: true },
    ];
    const search = { ...call, name: 'ToolSearch' };
    await client.messages.create({
      ...hello,
      tools,
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: [{ type: 'tool_use', ...search }] },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 'toolu_1',
              content: [{ type: 'tool_reference', tool_name: 'Later' }],
            },
          ],
        },
      ],
    });
    expect(models.asked[0]?.tools.map(({ name }) => name)).toEqual(['Bash', 'Later']);
  });

  it.each([
    ['AC_BUDGET_SPENT', 'never', [402, 'error', 'billing_error', 'false']],
    ['AC_MODEL_CONTEXT_TOO_LONG', 'never', [400, 'error', 'invalid_request_error', 'false']],
    ['AC_MODEL_KEY_REFUSED', 'never', [403, 'error', 'permission_error', 'false']],
    ['AC_MODEL_RATE_LIMITED', 'later', [429, 'error', 'rate_limit_error', 'true']],
    ['AC_MODEL_OVERLOADED', 'later', [529, 'error', 'overloaded_error', 'true']],
  ] as const)('tells %s in its own form, and whether to ask again', async (code, retry, expected) => {
    models.next([failing(code, retry, 1500)], [failing(code, retry, 1500)]);
    expect(await refusal(client.messages.create(hello))).toEqual(expected);
    expect(await refusal(client.messages.stream(hello).finalMessage())).toEqual(expected);
  });

  it('tells in a stream that began that it will not end', async () => {
    models.next([{ type: 'text', text: 'half' }, failing('AC_MODEL_CUT', 'later')]);
    const stream = client.messages.stream(hello);
    await expect(stream.finalMessage()).rejects.toThrow(/overloaded_error/);
    expect(stream.receivedMessages[0]?.content ?? []).toEqual([]);
  });

  it.each<[string, object]>([
    ['an unknown block', { messages: [{ role: 'user', content: [{ type: 'video' }] }] }],
    [
      'an image to be fetched',
      { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'http://a' } }] }] },
    ],
    [
      'an image that is not base64',
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: '%' } }],
          },
        ],
      },
    ],
    ['no message', { messages: [] }],
    ['a result without a call', { messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'x' }] }] }],
    ['only tools of Anthropic', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
    ['one name for two tools', { tools: [bash, bash] }],
    ['no tokens', { max_tokens: 0 }],
  ])('refuses %s', async (_what, more) => {
    const asking = client.post('/v1/messages', { body: { ...hello, ...more } });
    expect(await refusal(asking)).toEqual([400, 'error', 'invalid_request_error', 'false']);
    expect(models.asked).toEqual([]);
  });

  it('guesses tokens, names its one model, and says that it is there', async () => {
    const { input_tokens: tokens } = await client.messages.countTokens({ model: 'x', messages: hello.messages });
    expect(tokens).toBeGreaterThan(5);
    expect((await client.messages.countTokens({ ...hello, tools: [bash] })).input_tokens).toBeGreaterThan(tokens);
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['house-model']);
    expect((await client.models.retrieve('house-model')).id).toBe('house-model');
    expect(await refusal(client.models.retrieve('other'))).toEqual([404, 'error', 'not_found_error', 'false']);
    for (const path of ['/', '/api/hello'])
      expect((await fetch(server.url + path, { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(`${server.url}/v1/files`)).status).toBe(404);
    expect(models.asked).toEqual([]);
  });
});
