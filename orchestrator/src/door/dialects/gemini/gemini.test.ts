import { ApiError, GoogleGenAI, Type, type Content, type GenerateContentParameters } from '@google/genai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collect, thrownBy } from '../testing/collect.ts';
import { openDialectServer, type DialectServer } from '../testing/dialect-server.ts';
import { failing } from '../testing/failing.ts';
import { openPlayedModels, played, type PlayedModels } from '../testing/played-models.ts';
import { gemini } from './gemini.ts';

let models: PlayedModels;
let server: DialectServer;
let client: GoogleGenAI;
beforeEach(async () => {
  models = openPlayedModels();
  server = await openDialectServer(gemini, models);
  client = new GoogleGenAI({ apiKey: 'any', vertexai: false, httpOptions: { baseUrl: server.url } });
});
afterEach(() => server.close());

const hello = { model: 'gemini-x', contents: 'Hi' };
const call = { id: 'call-1', name: 'run_shell_command', input: { command: 'ls "a b"' } };
const declared = { name: call.name, description: 'Runs a command.', parametersJsonSchema: { type: 'object' } };

async function refusal(asking: Promise<unknown>): Promise<readonly unknown[]> {
  const error = await thrownBy(asking);
  if (!(error instanceof ApiError)) throw new Error('it was not refused', { cause: error });
  expect(error.message).not.toMatch(/secret/i);
  return [error.status, (JSON.parse(error.message) as { readonly error: { readonly status: string } }).error.status];
}

describe('the Gemini API', () => {
  it('streams text and calls as they come, with what the provider wants back', async () => {
    models.next(
      played(
        ['Let me ', 'look.'],
        [
          { ...call, signature: 'c2ln' },
          { ...call, id: 'call-2' },
        ],
      ),
    );
    const asked: GenerateContentParameters = { ...hello, config: { tools: [{ functionDeclarations: [declared] }] } };
    const chunks = await collect(await client.models.generateContentStream(asked));
    const functionCall = { id: 'call-1', name: call.name, args: call.input };
    expect(chunks.map(({ candidates }) => candidates?.[0]?.content?.parts)).toEqual([
      [{ text: 'Let me ' }],
      [{ text: 'look.' }],
      [{ functionCall, thoughtSignature: 'c2ln' }],
      [{ functionCall: { ...functionCall, id: 'call-2' } }],
      [{ text: '' }],
    ]);
    expect(chunks.map(({ candidates }) => candidates?.[0]?.finishReason)).toEqual([...Array(4), 'STOP']);
    expect(chunks.at(-1)).toMatchObject({
      modelVersion: 'house-model',
      usageMetadata: {
        promptTokenCount: 119,
        candidatesTokenCount: 5,
        totalTokenCount: 124,
        cachedContentTokenCount: 100,
      },
    });
  });

  it('answers whole where no stream was asked for', async () => {
    models.next(played(['Hello'], [call]), [{ type: 'end', stop: 'length' }], [failing('AC_MODEL_REFUSED', 'never')]);
    const answer = await client.models.generateContent(hello);
    expect([answer.functionCalls, answer.candidates?.[0]?.content?.parts?.[0]]).toEqual([
      [{ id: 'call-1', name: call.name, args: call.input }],
      { text: 'Hello' },
    ]);
    for (const reason of ['MAX_TOKENS', 'SAFETY'])
      expect((await client.models.generateContent(hello)).candidates?.[0]?.finishReason).toBe(reason);
  });

  it('S42 takes the conversation, and nothing that is not the worker’s to say', async () => {
    const data = 'iVBORw0KGgoAAAAN';
    const inlineData = { mimeType: 'image/png', data };
    const functionCall = { name: call.name, args: call.input };
    const contents: Content[] = [
      { role: 'user', parts: [{ text: 'Look' }, { inlineData }] },
      {
        role: 'model',
        parts: [
          { text: 'hm', thought: true },
          { text: 'I look.' },
          { functionCall, thoughtSignature: 'c2ln' },
          { functionCall },
        ],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { name: call.name, response: { output: 'a' } } },
          { functionResponse: { name: call.name, response: { error: 'b' } } },
          { text: 'And now?' },
        ],
      },
    ];
    await client.models.generateContent({
      model: 'dear',
      contents,
      config: {
        systemInstruction: 'Be brief.',
        temperature: 0,
        maxOutputTokens: 1_000_000,
        stopSequences: ['x'],
        responseMimeType: 'application/json',
        responseSchema: { type: Type.OBJECT, properties: { title: { type: Type.STRING, nullable: true } } },
        tools: [
          { googleSearch: {} },
          {
            functionDeclarations: [
              {
                name: call.name,
                parameters: {
                  type: Type.OBJECT,
                  properties: { type: { type: Type.ARRAY, items: { type: Type.STRING } } },
                },
              },
            ],
          },
        ],
      },
    });
    const seen = { name: call.name, input: call.input, problem: null };
    expect(models.asked).toEqual([
      {
        system: 'Be brief.',
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Look' },
              { type: 'image', mediaType: 'image/png', data },
            ],
          },
          {
            role: 'assistant',
            text: 'I look.',
            toolCalls: [
              { id: 'call-1', ...seen, signature: 'c2ln' },
              { id: 'call-2', ...seen },
            ],
          },
          {
            role: 'tool',
            results: [
              { callId: 'call-1', name: call.name, text: 'a', isError: false },
              { callId: 'call-2', name: call.name, text: 'b', isError: true },
            ],
          },
          { role: 'user', content: [{ type: 'text', text: 'And now?' }] },
        ],
        tools: [
          {
            name: call.name,
            description: '',
            parameters: { type: 'object', properties: { type: { type: 'array', items: { type: 'string' } } } },
          },
        ],
        answerSchema: {
          name: 'answer',
          schema: { type: 'object', properties: { title: { type: ['string', 'null'] } } },
        },
        maxOutputTokens: 4000,
        temperature: 0.7,
        cachePrefix: true,
      },
    ]);
  });

  it.each([
    ['AC_BUDGET_SPENT', 'never', [400, 'FAILED_PRECONDITION']],
    ['AC_MODEL_CONTEXT_TOO_LONG', 'never', [400, 'INVALID_ARGUMENT']],
    ['AC_MODEL_KEY_REFUSED', 'never', [400, 'FAILED_PRECONDITION']],
    ['AC_MODEL_RATE_LIMITED', 'later', [429, 'RESOURCE_EXHAUSTED']],
    ['AC_MODEL_OVERLOADED', 'later', [503, 'UNAVAILABLE']],
  ] as const)('tells %s in its own form', async (code, retry, expected) => {
    models.next([failing(code, retry, 1500)], [failing(code, retry, 1500)]);
    expect(await refusal(client.models.generateContent(hello))).toEqual(expected);
    expect(await refusal(client.models.generateContentStream(hello))).toEqual(expected);
  });

  it('tells in a stream that began that it will not end', async () => {
    models.next([{ type: 'text', text: 'half' }, failing('AC_MODEL_CUT', 'later')]);
    const stream = await client.models.generateContentStream(hello);
    await expect(collect(stream)).rejects.toThrow(/AC_MODEL_CUT/);
  });

  it.each<[string, object]>([
    ['a part of an unknown kind', { contents: [{ role: 'user', parts: [{ fileData: { fileUri: 'gs://a' } }] }] }],
    ['an image that is none', { contents: [{ parts: [{ inlineData: { mimeType: 'video/mp4', data: 'AAAA' } }] }] }],
    ['no content', { contents: [] }],
    ['a result without a call', { contents: [{ parts: [{ functionResponse: { name: 'x', response: {} } }] }] }],
    ['only tools of Google', { contents: [{ parts: [{ text: 'Hi' }] }], tools: [{ googleSearch: {} }] }],
  ])('refuses %s', async (_what, body) => {
    const url = `${server.url}/v1beta/models/m:generateContent`;
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: { status: 'INVALID_ARGUMENT' } }]);
    expect(models.asked).toEqual([]);
  });

  it('guesses tokens, names its one model, and streams events only', async () => {
    expect((await client.models.countTokens(hello)).totalTokens).toBeGreaterThan(5);
    expect((await client.models.get({ model: 'house-model' })).name).toBe('models/house-model');
    expect(await refusal(client.models.get({ model: 'other' }))).toEqual([404, 'NOT_FOUND']);
    const listed = await fetch(`${server.url}/v1beta/models`);
    expect(await listed.json()).toMatchObject({ models: [{ name: 'models/house-model' }] });
    const body = JSON.stringify({ contents: [{ parts: [{ text: 'Hi' }] }] });
    const plain = await fetch(`${server.url}/v1beta/models/m:streamGenerateContent`, { method: 'POST', body });
    expect([plain.status, models.asked]).toEqual([400, []]);
    expect((await fetch(`${server.url}/v1beta/files`)).status).toBe(404);
  });
});
