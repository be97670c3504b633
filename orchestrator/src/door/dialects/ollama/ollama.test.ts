import { Ollama } from 'ollama/browser';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collect, thrownBy } from '../testing/collect.ts';
import { openDialectServer, type DialectServer } from '../testing/dialect-server.ts';
import { failing } from '../testing/failing.ts';
import { openPlayedModels, played, type PlayedModels } from '../testing/played-models.ts';
import { ollama } from './ollama.ts';

let models: PlayedModels;
let server: DialectServer;
let client: Ollama;
beforeEach(async () => {
  models = openPlayedModels();
  server = await openDialectServer(ollama, models);
  client = new Ollama({ host: server.url });
});
afterEach(() => server.close());

const hello = { model: 'llama-x', messages: [{ role: 'user', content: 'Hi' }] };
const bash = {
  type: 'function',
  function: { name: 'bash', description: 'Runs a command.', parameters: { type: 'object' } },
};
const call = { id: 'call-1', name: 'bash', input: { command: 'ls "a b"' } };
const written = { function: { name: 'bash', arguments: call.input } };

async function refusal(asking: Promise<unknown>): Promise<readonly unknown[]> {
  const error = await thrownBy(asking);
  if (!(error instanceof Error)) throw new Error('it was not refused', { cause: error });
  expect(error.message).not.toMatch(/secret/i);
  return ['status_code' in error ? error.status_code : null, error.message];
}

describe('ollama’s chat', () => {
  it('streams text and calls as they come, and ends with the tokens', async () => {
    models.next(played(['Let me ', 'look.'], [call, { ...call, id: 'call-2' }]));
    const lines = await collect(await client.chat({ ...hello, tools: [bash], stream: true }));
    expect(lines.map(({ message, done }) => [message.content, message.tool_calls ?? null, done])).toEqual([
      ['Let me ', null, false],
      ['look.', null, false],
      ['', [{ id: 'call-1', ...written }], false],
      ['', [{ id: 'call-2', ...written }], false],
      ['', null, true],
    ]);
    expect(lines.at(-1)).toMatchObject({
      model: 'house-model',
      done_reason: 'stop',
      prompt_eval_count: 119,
      eval_count: 5,
    });
  });

  it('answers whole where no stream was asked for', async () => {
    models.next(played(['Hello'], [call]), [{ type: 'end', stop: 'length' }]);
    expect(await client.chat({ ...hello, tools: [bash] })).toMatchObject({
      message: { role: 'assistant', content: 'Hello', tool_calls: [written] },
      done: true,
    });
    expect((await client.chat(hello)).done_reason).toBe('length');
  });

  it('S42 takes the conversation, and nothing that is not the worker’s to say', async () => {
    const png = 'iVBORw0KGgoAAAAN';
    await client.chat({
      model: 'dear',
      options: { num_predict: 1_000_000, temperature: 0, stop: ['x'] },
      keep_alive: '1h',
      think: true,
      format: { type: 'object' },
      tools: [bash],
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Look', images: [png] },
        { role: 'assistant', content: '', thinking: 'hm', tool_calls: [written, written] },
        { role: 'tool', tool_name: 'bash', content: 'a' },
        { role: 'tool', content: 'b' },
      ],
    });
    const seen = { name: 'bash', input: call.input, problem: null };
    expect(models.asked).toEqual([
      {
        system: 'Be brief.',
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Look' },
              { type: 'image', mediaType: 'image/png', data: png },
            ],
          },
          {
            role: 'assistant',
            text: '',
            toolCalls: [
              { id: 'call-1', ...seen },
              { id: 'call-2', ...seen },
            ],
          },
          {
            role: 'tool',
            results: [
              { callId: 'call-1', name: 'bash', text: 'a', isError: false },
              { callId: 'call-2', name: 'bash', text: 'b', isError: false },
            ],
          },
        ],
        tools: [{ name: 'bash', description: 'Runs a command.', parameters: { type: 'object' } }],
        answerSchema: { name: 'answer', schema: { type: 'object' } },
        maxOutputTokens: 4000,
        temperature: 0.7,
        cachePrefix: true,
      },
    ]);
    await client.chat({ ...hello, format: 'json', options: { num_predict: -1 } });
    expect(models.asked[1]).toMatchObject({ answerSchema: { schema: { type: 'object' } }, maxOutputTokens: 4000 });
  });

  it.each([
    ['AC_BUDGET_SPENT', 'never', 402],
    ['AC_MODEL_CONTEXT_TOO_LONG', 'never', 400],
    ['AC_MODEL_KEY_REFUSED', 'never', 403],
    ['AC_MODEL_REFUSED', 'never', 400],
    ['AC_MODEL_RATE_LIMITED', 'later', 429],
    ['AC_MODEL_OVERLOADED', 'later', 503],
  ] as const)('tells %s in its own form', async (code, retry, status) => {
    models.next([failing(code, retry)], [failing(code, retry)]);
    const expected = [status, expect.stringContaining(code)];
    expect(await refusal(client.chat(hello))).toEqual(expected);
    expect(await refusal(client.chat({ ...hello, stream: true }))).toEqual(expected);
  });

  it('tells in a stream that began that it will not end', async () => {
    const half = { type: 'text', text: 'half' } as const;
    models.next([half, failing('AC_MODEL_CUT', 'later')]);
    await expect(collect(await client.chat({ ...hello, stream: true }))).rejects.toThrow(/AC_MODEL_CUT/);
  });

  it.each<[string, object]>([
    ['an unknown role', { messages: [{ role: 'spy', content: '' }] }],
    ['an image of no known kind', { messages: [{ role: 'user', content: '', images: ['AAAA'] }] }],
    ['no message', { messages: [] }],
    ['a result without a call', { messages: [{ role: 'tool', content: 'x' }] }],
  ])('refuses %s', async (_what, more) => {
    const body = JSON.stringify({ ...hello, ...more });
    const answer = await fetch(`${server.url}/api/chat`, { method: 'POST', body });
    expect([answer.status, await answer.json()]).toEqual([400, { error: expect.any(String) }]);
    expect(models.asked).toEqual([]);
  });

  it('names its one model, with and without a tag', async () => {
    expect((await client.list()).models.map(({ name }) => name)).toEqual(['house-model']);
    for (const model of ['house-model', 'house-model:latest'])
      expect((await client.show({ model })).capabilities).toContain('tools');
    expect((await refusal(client.show({ model: 'other' })))[0]).toBe(404);
    expect((await client.version()).version).toMatch(/^\d/);
    expect((await fetch(`${server.url}/api/pull`, { method: 'POST' })).status).toBe(404);
  });
});
