import OpenAI from 'openai';
import type { ResponseInput, ResponseStreamEvent, Tool } from 'openai/resources/responses/responses';
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

const hello = { model: 'gpt-x', input: 'Hi' };
const exec: Tool = {
  type: 'function',
  name: 'exec_command',
  description: 'Runs a command.',
  parameters: { type: 'object' },
  strict: false,
};
/** The tools of Codex, of every kind it has. */
const tools = [
  exec,
  {
    type: 'custom',
    name: 'apply_patch',
    description: 'Patches.',
    format: { type: 'grammar', syntax: 'lark', definition: 'start: x' },
  },
  { type: 'local_shell' },
  { type: 'namespace', name: 'agents', description: '', tools: [{ ...exec, name: 'spawn' }] },
  { type: 'web_search', external_web_access: true },
] as Tool[];
const calls = [
  { id: 'call_1', name: 'exec_command', input: { cmd: 'ls' } },
  { id: 'call_2', name: 'apply_patch', input: { input: '*** Begin "Patch"' } },
  { id: 'call_3', name: 'local_shell', input: { command: ['ls', '-l'], working_directory: '/w', timeout_ms: 5 } },
  { id: 'call_4', name: 'agents__spawn', input: {} },
];

/** The items of an answer with these calls, as Codex is to find them. */
const items = [
  { type: 'function_call', call_id: 'call_1', name: 'exec_command', arguments: '{"cmd":"ls"}', status: 'completed' },
  { type: 'custom_tool_call', call_id: 'call_2', name: 'apply_patch', input: '*** Begin "Patch"' },
  {
    type: 'local_shell_call',
    call_id: 'call_3',
    status: 'completed',
    action: { type: 'exec', command: ['ls', '-l'], working_directory: '/w', timeout_ms: 5, env: {} },
  },
  { type: 'function_call', call_id: 'call_4', name: 'spawn', namespace: 'agents', arguments: '{}' },
];

async function streamed(body: object): Promise<readonly ResponseStreamEvent[]> {
  const request = { ...hello, ...body, stream: true } as const;
  return collect(await client.responses.create(request));
}

async function refusal(asking: Promise<unknown>): Promise<readonly unknown[]> {
  const error = await thrownBy(asking);
  if (!(error instanceof OpenAI.APIError)) throw new Error('it was not refused', { cause: error });
  expect(JSON.stringify(error.error)).not.toMatch(/secret/i);
  return [error.status, error.code];
}

describe('OpenAI Responses', () => {
  it('streams items one after the other, each with its events, and ends with all of them', async () => {
    models.next(played(['Let me ', 'look.'], calls));
    const events = await streamed({ tools });
    const item = 'response.output_item';
    expect(events.map(({ type }) => type)).toEqual([
      'response.created',
      'response.in_progress',
      `${item}.added`,
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      `${item}.done`,
      `${item}.added`,
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      `${item}.done`,
      `${item}.added`,
      'response.custom_tool_call_input.delta',
      'response.custom_tool_call_input.done',
      `${item}.done`,
      `${item}.added`,
      `${item}.done`,
      `${item}.added`,
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      `${item}.done`,
      'response.completed',
    ]);
    expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, index) => index));
    const done = events.filter((event) => event.type === 'response.output_item.done');
    expect(done.map(({ output_index: index }) => index)).toEqual([0, 1, 2, 3, 4]);
    const last = events.at(-1);
    if (last?.type !== 'response.completed') throw new Error('it did not end');
    expect(last.response.output).toEqual(done.map((event) => event.item));
    expect(last.response).toMatchObject({
      status: 'completed',
      model: 'house-model',
      output: [{ type: 'message', content: [{ type: 'output_text', text: 'Let me look.' }] }, ...items],
      usage: { input_tokens: 119, input_tokens_details: { cached_tokens: 100 }, output_tokens: 5, total_tokens: 124 },
    });
  });

  it('answers whole where no stream was asked for', async () => {
    models.next(played(['Hello'], calls), [{ type: 'end', stop: 'length' }], [failing('AC_MODEL_REFUSED', 'never')]);
    expect(await client.responses.create({ ...hello, tools })).toMatchObject({
      status: 'completed',
      output_text: 'Hello',
      output: [{ type: 'message' }, ...items],
    });
    expect(await client.responses.create(hello)).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output: [],
    });
    expect(await refusal(client.responses.create(hello))).toEqual([400, 'invalid_prompt']);
  });

  it('S42 takes the conversation, and nothing that is not the worker’s to say', async () => {
    const data = 'iVBORw0KGgoAAAAN';
    const image = { type: 'input_image', detail: 'auto', image_url: `data:image/png;base64,${data}` };
    const input = [
      { type: 'message', role: 'developer', content: [{ type: 'input_text', text: 'Two.' }] },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Look' }, image] },
      { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'x' },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'I look.', annotations: [] }] },
      ...items,
      { type: 'function_call_output', call_id: 'call_1', output: 'a' },
      { type: 'custom_tool_call_output', call_id: 'call_2', output: 'b' },
      { type: 'local_shell_call_output', call_id: 'call_3', output: 'c' },
      { type: 'function_call_output', call_id: 'call_4', output: [{ type: 'input_text', text: 'd' }, image] },
      { role: 'user', content: 'And now?' },
    ] as ResponseInput;
    await client.responses.create(
      {
        ...hello,
        instructions: 'One.',
        input,
        tools,
        temperature: 0,
        max_output_tokens: 1_000_000,
        store: true,
        user: 'spy',
      },
      { headers: { 'OpenAI-Organization': 'spy' } },
    );
    const part = { type: 'image', mediaType: 'image/png', data };
    const [request] = models.asked;
    expect({ ...request, tools: request?.tools.map(({ name }) => name) }).toEqual({
      system: 'One.\n\nTwo.',
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'Look' }, part] },
        {
          role: 'assistant',
          text: 'I look.',
          toolCalls: calls.map((call) => ({
            ...call,
            problem: null,
            input: call.name === 'local_shell' ? { ...call.input, env: {} } : call.input,
          })),
        },
        {
          role: 'tool',
          results: ['a', 'b', 'c', 'd\n[the image follows]'].map((text, index) => ({
            callId: calls[index]?.id,
            name: calls[index]?.name,
            text,
            isError: false,
          })),
        },
        { role: 'user', content: [part] },
        { role: 'user', content: [{ type: 'text', text: 'And now?' }] },
      ],
      tools: ['exec_command', 'apply_patch', 'local_shell', 'agents__spawn'],
      answerSchema: null,
      maxOutputTokens: 4000,
      temperature: 0.7,
      cachePrefix: true,
    });
    expect(request?.tools[1]?.description).toContain('start: x');
  });

  it.each([
    ['AC_BUDGET_SPENT', 'never', [400, 'insufficient_quota']],
    ['AC_MODEL_KEY_REFUSED', 'never', [400, 'invalid_prompt']],
    ['AC_MODEL_RATE_LIMITED', 'later', [429, 'rate_limit_exceeded']],
    ['AC_MODEL_OVERLOADED', 'later', [503, null]],
  ] as const)('tells %s before and within a stream', async (code, retry, expected) => {
    models.next([failing(code, retry)], [{ type: 'text', text: 'half' }, failing(code, retry)]);
    expect(await refusal(streamed({}))).toEqual(expected);
    expect((await streamed({})).at(-1)).toMatchObject({
      type: 'response.failed',
      response: { status: 'failed', error: { code: expected[1] ?? 'server_error' } },
    });
  });

  it('ends a turn that the model declined: Codex would ask again for any other ending', async () => {
    models.next([{ type: 'text', text: 'I' }, failing('AC_MODEL_REFUSED', 'never')], [{ type: 'end', stop: 'length' }]);
    expect((await streamed({})).at(-1)).toMatchObject({
      type: 'response.failed',
      response: { error: { code: 'invalid_prompt', message: 'The model declined to answer (AC_MODEL_REFUSED)' } },
    });
    expect((await streamed({})).at(-1)?.type).toBe('response.incomplete');
  });

  it.each<[string, object]>([
    ['an unknown item', { input: [{ type: 'computer_call', call_id: 'x' }] }],
    ['a stored item', { input: [{ type: 'item_reference', id: 'x' }] }],
    ['an earlier response', { previous_response_id: 'resp_1' }],
    [
      'an image to be fetched',
      { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'http://a' }] }] },
    ],
    ['a result without a call', { input: [{ type: 'function_call_output', call_id: 'x', output: '' }] }],
    ['only tools of OpenAI', { tools: [{ type: 'web_search' }] }],
    ['a tool without a name', { tools: [{ type: 'function' }] }],
    ['nothing', { input: [] }],
  ])('refuses %s', async (_what, more) => {
    const [status] = await refusal(client.post('/responses', { body: { ...hello, ...more } }));
    expect(status).toBe(400);
    expect(models.asked).toEqual([]);
  });
});
