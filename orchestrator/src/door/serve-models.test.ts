import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ModelEvent, ModelRequest } from '../models/model.ts';
import type { AttemptModels } from './attempt-services.ts';
import { chatEvents, openTestDoor, readAnswer } from './testing/open-test-door.ts';

const hello = { system: 'Be brief.', messages: [{ role: 'user', text: 'Hello' }], tools: [] };
const end: ModelEvent = { type: 'end', stop: 'finished' };

interface Played extends AttemptModels {
  readonly requests: ModelRequest[];
  readonly signals: AbortSignal[];
}

/** Models that answer as is written here, and remember what they were asked. */
function playing(play: (signal: AbortSignal) => AsyncIterable<ModelEvent>): Played {
  const requests: ModelRequest[] = [];
  const signals: AbortSignal[] = [];
  const stream = (request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent> => {
    requests.push(request);
    signals.push(signal);
    return play(signal);
  };
  return { modelName: 'm', maxOutputTokens: 321, temperature: 0.5, requests, signals, stream };
}

async function* events(...given: readonly ModelEvent[]): AsyncGenerator<ModelEvent> {
  yield* given;
}

describe('a worker’s talk with its model', () => {
  it('goes through event by event, without what is none of the worker’s business', async () => {
    const call = { id: '1', name: 'look', input: { a: 1 }, problem: null };
    const usage = { input: 1, output: 1, cache_read: 0, cache_write: 0 };
    const models = playing(() =>
      events(
        { type: 'text', text: 'Hi' },
        { type: 'tool_call', call },
        { type: 'usage', usage },
        { type: 'end', stop: 'tool_calls' },
      ),
    );
    const { call: ask } = await openTestDoor({ models });
    const messages = [
      { role: 'user', text: 'Hello' },
      { role: 'assistant', text: '', tool_calls: [{ id: '0', name: 'look', input: {}, signature: 's' }] },
      { role: 'tool', results: [{ call_id: '0', name: 'look', text: 'nothing', is_error: true }] },
    ];
    const tools = [{ name: 'look', description: 'Looks.', parameters: { type: 'object' } }];
    const answer = await ask('POST', '/model/chat', { system: 'Be brief.', messages, tools });
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/x-ndjson']);
    expect(chatEvents(answer)).toEqual([
      { type: 'text', text: 'Hi' },
      { type: 'tool_call', call },
      { type: 'end', stop: 'tool_calls' },
    ]);
    expect(models.requests).toEqual([
      {
        system: 'Be brief.',
        messages: [
          { role: 'user', content: [{ type: 'text', text: 'Hello' }] },
          {
            role: 'assistant',
            text: '',
            toolCalls: [{ id: '0', name: 'look', input: {}, signature: 's', problem: null }],
          },
          { role: 'tool', results: [{ callId: '0', name: 'look', text: 'nothing', isError: true }] },
        ],
        tools,
        answerSchema: null,
        maxOutputTokens: 321,
        temperature: 0.5,
        cachePrefix: true,
      },
    ]);
  });

  it('S42 refuses a request that names what is not the worker’s to say', async () => {
    const models = playing(() => events(end));
    const { call } = await openTestDoor({ models });
    for (const more of [
      { model: 'dear' },
      { max_tokens: 1_000_000 },
      { temperature: 2 },
      { base_url: 'http://evil' },
    ]) {
      const answer = await call('POST', '/model/chat', { ...hello, ...more });
      expect(answer.status).toBe(400);
      expect(chatEvents(answer)).toMatchObject([{ type: 'failed', error: { code: 'AC_MODEL_TALK_MALFORMED' } }]);
    }
    expect(models.requests).toEqual([]);
  });

  it('S47 refuses what is too large, too deep, of too many values, no number, no whole character or no JSON, and goes on', async () => {
    const models = playing(() => events(end));
    const { call } = await openTestDoor({ models });
    const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    const asInput = (input: string): string =>
      `{"system":"","tools":[],"messages":[{"role":"assistant","text":"","tool_calls":[{"id":"1","name":"n","input":${input}}]}]}`;
    const many = `[${'0,'.repeat(1_000_000)}0]`;
    const bodies: readonly (readonly [number, string | Buffer])[] = [
      [400, many],
      [400, asInput(many)],
      [400, `{"system":"","tools":[],"messages":${many}}`],
      [400, `{"system":"","tools":[],"messages":[],${Array.from({ length: 100_000 }, (_, i) => `"${i}":0`).join()}}`],
      [413, Buffer.alloc(100_000_000, 0x20)],
      [400, deep(100_000)],
      [400, asInput(deep(100_000))],
      [400, asInput('{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000))],
      [400, asInput('NaN')],
      [400, asInput('1e999')],
      [400, asInput('"\\ud800"')],
      [400, asInput('{"\\udc00":1}')],
      [400, Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d])],
      [400, ''],
    ];
    for (const [status, body] of bodies) {
      const answer = await call('POST', '/model/chat', body);
      expect([status, body.slice(0, 20), answer.status]).toEqual([status, body.slice(0, 20), status]);
      expect(chatEvents(answer)).toMatchObject([{ type: 'failed', error: { code: 'AC_MODEL_TALK_MALFORMED' } }]);
    }
    expect(models.requests).toEqual([]);
    expect((await call('POST', '/model/chat', asInput(deep(90)))).status).toBe(200);
    expect((await call('POST', '/model/chat', asInput('"[[[[\\"[[{{\\ud83d\\ude00"'))).status).toBe(200);
  });

  it('may send more through the door than an attempt without a model, and not without end', async () => {
    const limits = { totalBytes: 20_000, modelBytes: 100_000 };
    const long = { ...hello, system: 'x'.repeat(50_000) };
    const bare = await openTestDoor({}, limits);
    bare.request('POST', '/model/chat', long);
    expect(await bare.door.end).toMatchObject({ kind: 'garbage', problem: expect.stringContaining('20000') });
    const { call, door, request } = await openTestDoor({ models: playing(() => events(end)) }, limits);
    expect(chatEvents(await call('POST', '/model/chat', long))).toEqual([end]);
    request('POST', '/model/chat', { ...hello, system: 'x'.repeat(80_000) });
    expect(await door.end).toMatchObject({ kind: 'garbage', problem: expect.stringContaining('120000') });
  });

  it('is no route of an attempt without a model, and no other method or format is', async () => {
    const bare = await openTestDoor({});
    expect((await bare.call('POST', '/model/chat', hello)).status).toBe(404);
    const { call } = await openTestDoor({ models: playing(() => events(end)) });
    const others = [
      ['PUT', '/model/chat'],
      ['GET', '/model/chat'],
      ['POST', '/model/chat/more'],
      ['POST', '/model/nothing/v1/chat'],
      ['POST', '/model/'],
      ['POST', '/modelchat'],
    ] as const;
    for (const [method, path] of others) expect((await call(method, path, hello)).status).toBe(404);
    expect((await call('POST', '/model/chat?beta=true', hello)).status).toBe(200);
  });

  it('ends the call when the worker gives it up, and when the worker is gone', async () => {
    const models = playing(async function* (signal) {
      yield { type: 'text', text: 'wait' };
      await wait(60_000, undefined, { signal }).catch(() => undefined);
      yield end;
    });
    const { door, request, raw } = await openTestDoor({ models });
    const given = request('POST', '/model/chat', hello);
    given.once('data', () => given.close(8));
    await readAnswer(given);
    await expect.poll(() => models.signals[0]?.aborted).toBe(true);
    const cut = request('POST', '/model/chat', hello);
    cut.once('data', () => raw.end());
    expect(await door.end).toMatchObject({ kind: 'closed' });
    door.close();
    await expect.poll(() => models.signals[1]?.aborted).toBe(true);
  });

  it('asks the model for no more than a worker reads', async () => {
    let given = 0;
    const text = 'x'.repeat(65_536);
    const models = playing(async function* () {
      for (given = 1; given <= 400; given += 1) yield { type: 'text', text };
      yield end;
    });
    const { request } = await openTestDoor({ models });
    const stream = request('POST', '/model/chat', hello);
    stream.pause();
    await expect.poll(() => given).toBeGreaterThan(0);
    const before = await settled(() => given);
    expect(before).toBeLessThan(200);
    expect(chatEvents(await readAnswer(stream.resume()))).toHaveLength(401);
    expect(given).toBe(401);
  });

  it('lives as long as its worker beats, however long the model takes, and no longer', async () => {
    const slow = (): AttemptModels =>
      playing(async function* (signal) {
        await wait(600, undefined, { signal }).catch(() => undefined);
        yield end;
      });
    const limits = { pingMs: 20, silentMs: 200, stuckMs: 200 };
    const beating = await openTestDoor({ models: slow() }, limits);
    const beat = setInterval(() => void beating.call('POST', '/progress', { message: '' }), 50);
    expect(chatEvents(await beating.call('POST', '/model/chat', hello))).toEqual([end]);
    clearInterval(beat);
    const stuck = await openTestDoor({ models: slow() }, limits);
    const asked = stuck.call('POST', '/model/chat', hello);
    expect(await stuck.door.end).toEqual({ kind: 'missing', sign: 'beat' });
    stuck.door.close();
    stuck.raw.destroy();
    expect(chatEvents(await asked)).toEqual([]);
  });
});

/** The value once it has not changed for a while. */
async function settled(read: () => number): Promise<number> {
  for (;;) {
    const before = read();
    await wait(100);
    if (read() === before) return before;
  }
}
