import { inspect } from 'node:util';
import { unwrap, type AppError } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createModel } from '../call-model.ts';
import type { Model, ModelEvent, ModelProvider, ModelRequest } from '../model.ts';
import type { Connection } from '../transport.ts';
import type { Dialect, Fault } from './dialect.ts';
import { requestOf, watched } from './fixtures.ts';
import { openLoopbackServer, type Behaviour, type LoopbackServer } from './loopback-server.ts';

export interface ContractSubject {
  readonly name: 'anthropic' | 'openai' | 'gemini' | 'ollama';
  readonly dialect: Dialect;
  readonly open: (connection: Connection) => ModelProvider;
  /** What comes after the server's address in `base_url`. */
  readonly path: string;
}

const key = 'sk-secret-0123456789';
const delays = [1, 2, 4];
const tool = {
  name: 'read_file',
  description: 'Reads a file.',
  parameters: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] },
};
const call = { id: 'call-1', name: 'read_file', input: { path: 'src/a.ts' } };

const fourTimes = (behaviour: Behaviour): readonly Behaviour[] => Array.from({ length: 4 }, () => behaviour);

/** What every adapter that reaches a provider over the network has to hold, against a server that speaks its wire format. */
export function providerContract(subject: ContractSubject): void {
  describe(`the ${subject.name} adapter`, () => {
    let server: LoopbackServer;
    let printed: ReturnType<typeof vi.spyOn>[];
    beforeEach(async () => {
      server = await openLoopbackServer({ dialect: subject.dialect, key, models: ['m1', 'm2'] });
      printed = (['log', 'info', 'warn', 'error', 'debug'] as const).map((name) => vi.spyOn(console, name));
    });
    afterEach(async () => {
      await server.close();
      const lines = printed.flatMap((spy) => spy.mock.calls);
      vi.restoreAllMocks();
      expect(lines, 'nothing is printed by an SDK').toEqual([]);
    });

    function provider(given: Partial<Connection> = {}): ModelProvider {
      const baseUrl = server.url + subject.path;
      return subject.open({ provider: subject.name, baseUrl, key, variable: 'THE_KEY', ...given });
    }
    function open(given: Partial<Connection> = {}, fallback: string | null = null, retryDelaysMs = delays): Model {
      const costOf = (): null => null;
      const candidate = { provider: provider(given), name: 'm1', costOf };
      return createModel(candidate, fallback === null ? null : { ...candidate, name: fallback }, {
        retryDelaysMs,
      });
    }
    async function events(request: ModelRequest): Promise<readonly ModelEvent[]> {
      const seen: ModelEvent[] = [];
      for await (const event of open().stream(request, watched().options)) seen.push(event);
      return seen;
    }
    async function failing(behaviours: readonly Behaviour[], request = requestOf('Hi')): Promise<AppError> {
      server.next(...behaviours);
      const result = await open().complete(request, watched().options);
      if (result.ok) throw new Error('it succeeded');
      expect(inspect(result.error, { depth: null })).not.toContain(key);
      return result.error;
    }

    it('gives the text as it comes, then the tokens, then the end', async () => {
      server.next({ kind: 'answer', answer: { usage: { input: 30, output: 7, cacheRead: 0, cacheWrite: 0 } } });
      const seen = await events(requestOf('Hi'));
      expect(seen.filter((event) => event.type === 'text').map(({ text }) => text)).toEqual(['Hello', ', ', 'world']);
      expect(seen.filter((event) => event.type === 'usage').at(-1)?.usage).toEqual({
        input: 30,
        output: 7,
        cache_read: 0,
        cache_write: 0,
      });
      expect(seen.at(-1)).toEqual({ type: 'end', stop: 'finished' });
      expect(server.objections).toEqual([]);
    });

    it('sends the key and nothing about this machine', async () => {
      for (const name of ['ANTHROPIC_CUSTOM_HEADERS', 'OPENAI_CUSTOM_HEADERS']) vi.stubEnv(name, 'x-spy: yes');
      for (const name of ['ANTHROPIC_BASE_URL', 'OPENAI_BASE_URL', 'GOOGLE_GEMINI_BASE_URL', 'OLLAMA_HOST'])
        vi.stubEnv(name, 'http://127.0.0.1:9');
      vi.stubEnv('OPENAI_ORG_ID', 'org-of-the-environment');
      vi.stubEnv('GOOGLE_GENAI_USE_VERTEXAI', 'true');
      const reply = await open().complete(requestOf('Hi'), watched().options);
      vi.unstubAllEnvs();
      expect(unwrap(reply).text).toBe('Hello, world');
      const allowed = [
        'host',
        'connection',
        'content-type',
        'content-length',
        'transfer-encoding',
        'accept',
        'accept-encoding',
        'accept-language',
        'sec-fetch-mode',
        'user-agent',
        'authorization',
        'x-api-key',
        'anthropic-version',
        'x-goog-api-key',
      ];
      const headers = server.seen[0]?.headers ?? {};
      expect(Object.keys(headers).filter((name) => !allowed.includes(name))).toEqual([]);
      expect(headers['user-agent']).toBe('agentcompany');
      expect(subject.dialect.keyOf(headers)).toBe(key);
    });

    it('hands out tool calls whole, says of an unknown tool that it is, and takes results back', async () => {
      const unknown = { id: 'call-2', name: 'rm_rf', input: {} };
      // Only these send arguments as text, which may be garbled.
      const isText = subject.name === 'anthropic' || subject.name === 'openai';
      const garbled = isText ? [{ id: 'call-3', name: 'read_file', input: '{"path": ' }] : [];
      server.next({ kind: 'answer', answer: { texts: ['Let me look.'], calls: [call, unknown, ...garbled] } });
      const first = unwrap(await open().complete(requestOf('Hi', { tools: [tool] }), watched().options));
      expect(first.stop).toBe('tool_calls');
      expect(first.toolCalls.map(({ name, input, problem }) => [name, input, problem?.code ?? null])).toEqual([
        ['read_file', { path: 'src/a.ts' }, null],
        ['rm_rf', {}, 'AC_MODEL_TOOL_UNKNOWN'],
        ...garbled.map(() => ['read_file', null, 'AC_MODEL_TOOL_ARGUMENTS']),
      ]);
      const results = first.toolCalls.map(({ id, name, problem }) => ({
        callId: id,
        name,
        text: problem?.message ?? 'the text',
        isError: problem !== null,
      }));
      const { messages } = requestOf('Hi');
      const assistant = { role: 'assistant' as const, text: first.text, toolCalls: first.toolCalls };
      const conversation = [...messages, assistant, { role: 'tool' as const, results }];
      const second = requestOf('', { tools: [tool], messages: conversation });
      expect(unwrap(await open().complete(second, watched().options)).text).toBe('Hello, world');
      expect(server.objections).toEqual([]);
      expect(JSON.stringify(server.seen[1]?.body)).toContain('there is no tool rm_rf');
    });

    it('sends the form the answer shall have, images, and what shall be cached', async () => {
      const { capabilities } = provider();
      const answerSchema = { name: 'plan', schema: { type: 'object', properties: { title: { type: 'string' } } } };
      const image = { type: 'image', mediaType: 'image/png', data: 'aGVsbG8=' } as const;
      const asked = requestOf([{ type: 'text', text: 'Hi' }, image], { answerSchema, cachePrefix: true });
      unwrap(await open().complete(asked, watched().options));
      expect(server.objections).toEqual([]);
      const body = JSON.stringify(server.seen[0]?.body);
      expect(capabilities).toMatchObject({ structured: true, images: true });
      expect([body.includes('"title":{"type":"string"}'), body.includes('aGVsbG8=')]).toEqual([true, true]);
    });

    it('counts what came from the cache apart', async () => {
      server.next({ kind: 'answer', answer: { usage: { input: 30, output: 7, cacheRead: 1000, cacheWrite: 0 } } });
      const { usage } = unwrap(await open().complete(requestOf('Hi'), watched().options));
      expect(usage).toMatchObject({ input: 30, cache_read: provider().capabilities.cache ? 1000 : 0 });
    });

    it('says that the answer was cut for its length', async () => {
      server.next({ kind: 'answer', answer: { stop: 'length' } });
      expect(unwrap(await open().complete(requestOf('Hi'), watched().options)).stop).toBe('length');
    });

    it.each<[Fault, string, number]>([
      ['wrong-key', 'AC_MODEL_KEY_REFUSED', 1],
      ['no-credit', 'AC_MODEL_QUOTA', 1],
      ['no-model', 'AC_MODEL_ABSENT', 1],
      ['context', 'AC_MODEL_CONTEXT_TOO_LONG', 1],
      ['tokens', 'AC_MODEL_TOKENS_REFUSED', 1],
      ['bad-request', 'AC_MODEL_REQUEST_REFUSED', 1],
      ['rate-limit', 'AC_MODEL_RATE_LIMITED', 4],
      ['overloaded', 'AC_MODEL_OVERLOADED', 4],
      ['broken', 'AC_MODEL_OVERLOADED', 4],
    ])('answers %s with %s after %i tries', async (fault, code, tries) => {
      const error = await failing(fourTimes({ kind: 'fault', fault }));
      expect([error.code, error.retry]).toEqual([code, tries === 1 ? 'never' : 'later']);
      expect(server.seen).toHaveLength(tries);
    });

    it('keeps a wrong key out of the error even where the provider repeats it', async () => {
      const wrong = 'sk-wrong-9876543210';
      const result = await open({ key: wrong }).complete(requestOf('Hi'), watched().options);
      expect(result).toMatchObject({ ok: false, error: { code: 'AC_MODEL_KEY_REFUSED' } });
      expect(inspect(result, { depth: null })).not.toContain(wrong);
      expect(inspect(result, { depth: null })).toContain('THE_KEY');
    });

    it('does not send again before the time the provider names, and not at all if that is long', async () => {
      const wait: Behaviour = { kind: 'fault', fault: 'rate-limit', headers: { 'retry-after-ms': '120' } };
      server.next(wait);
      const start = performance.now();
      unwrap(await open().complete(requestOf('Hi'), watched().options));
      expect(performance.now() - start).toBeGreaterThan(100);
      const long: Behaviour = { kind: 'fault', fault: 'rate-limit', headers: { 'retry-after': '3600' } };
      expect((await failing([long])).code).toBe('AC_MODEL_RATE_LIMITED');
      expect(server.seen).toHaveLength(3);
    });

    it.each<[Behaviour, string]>([
      [{ kind: 'half', afterwards: 'break', answer: {} }, 'AC_MODEL_CUT'],
      [{ kind: 'half', afterwards: 'end', answer: {} }, 'AC_MODEL_CUT'],
      [{ kind: 'half', afterwards: 'error', answer: {} }, 'AC_MODEL_OVERLOADED'],
      [{ kind: 'rubbish', text: 'data: {"not json\n\n{"nor": this\n' }, 'AC_MODEL_RUBBISH'],
      [{ kind: 'flood' }, 'AC_MODEL_OUTPUT_TOO_LARGE'],
    ])('answers %j with %s', async (behaviour, code) => {
      expect((await failing(fourTimes(behaviour))).code).toBe(code);
    });

    it('does not give out half an answer twice: a stream that broke ends with its error', async () => {
      server.next({ kind: 'half', afterwards: 'break', answer: { texts: Array.from({ length: 20 }, () => 'word ') } });
      const seen = await events(requestOf('Hi'));
      expect(seen.at(-1)).toMatchObject({ type: 'failed', error: { code: 'AC_MODEL_CUT' } });
      expect(seen.filter((event) => event.type === 'text').length).toBeLessThan(20);
      expect(server.seen).toHaveLength(1);
    });

    it('repeats a whole call that broke, and then gives one whole answer', async () => {
      server.next({ kind: 'half', afterwards: 'break', answer: {} }, { kind: 'fault', fault: 'overloaded' });
      expect(unwrap(await open().complete(requestOf('Hi'), watched().options)).text).toBe('Hello, world');
      expect(server.seen).toHaveLength(3);
    });

    it.each<[Behaviour]>([[{ kind: 'silence' }], [{ kind: 'half', afterwards: 'silence', answer: {} }]])(
      'gives up on %j in time, and at once when called off',
      async (behaviour) => {
        const { options } = watched(80);
        server.next(behaviour);
        expect(await open({}, null, []).complete(requestOf('Hi'), options)).toMatchObject({
          ok: false,
          error: { code: 'AC_MODEL_TIMEOUT' },
        });
        const before = server.seen.length;
        const called = watched();
        server.next(behaviour);
        const pending = open().complete(requestOf('Hi'), called.options);
        await vi.waitUntil(() => server.seen.length > before);
        called.abort.abort();
        expect(await pending).toMatchObject({ ok: false, error: { code: 'AC_MODEL_ABORTED' } });
      },
    );

    it('follows no redirect: the key goes to no other place', async () => {
      const other = await openLoopbackServer({ dialect: subject.dialect, key, models: ['m1'] });
      const away: Behaviour = { kind: 'redirect', location: `${other.url}/v1/messages` };
      expect((await failing(fourTimes(away))).code).toBe('AC_MODEL_UNREACHABLE');
      expect(other.seen).toEqual([]);
      await other.close();
    });

    it('says that a provider is down, and goes on with the fallback model when the first is spent', async () => {
      const down = await open({ baseUrl: 'http://127.0.0.1:9' }).complete(requestOf('Hi'), watched().options);
      expect(down).toMatchObject({ ok: false, error: { code: 'AC_MODEL_UNREACHABLE', retry: 'later' } });
      server.next(...fourTimes({ kind: 'fault', fault: 'overloaded' }));
      const reply = await open({}, 'm2').complete(requestOf('Hi'), watched().options);
      expect(reply).toMatchObject({ ok: true, value: { model: 'm2', text: 'Hello, world' } });
      expect(server.seen).toHaveLength(5);
    });

    it('tells the tokens of every request, also of those that came to nothing', async () => {
      const { options, calls } = watched();
      server.next({ kind: 'answer', answer: { stop: 'length' } });
      unwrap(await open().complete(requestOf('Hi'), options));
      expect(calls).toEqual([expect.objectContaining({ model: 'm1', cost_usd: null })]);
    });

    it('checks a model without asking it anything', async () => {
      expect(await open().check(watched().options)).toMatchObject({ ok: true });
      const signal = AbortSignal.timeout(5000);
      expect(await provider().check('m9', signal)).toMatchObject({ ok: false, error: { code: 'AC_MODEL_ABSENT' } });
      expect(await provider({ key: 'sk-other-key' }).check('m1', signal)).toMatchObject({
        ok: false,
        error: { code: 'AC_MODEL_KEY_REFUSED' },
      });
      expect(server.objections).toEqual([]);
    });
  });
}
