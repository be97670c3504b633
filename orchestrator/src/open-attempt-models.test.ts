import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { success, unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { initHome, type CompanyHome } from './company-home.ts';
import { runId } from './company/testing/fixtures.ts';
import { loadConfig } from './config.ts';
import { chatEvents, openTestDoor } from './door/testing/open-test-door.ts';
import type { ModelEvent } from './models/model.ts';
import { openPurse, unlimitedPurse } from './models/purse.ts';
import { anthropicDialect } from './models/testing/anthropic-dialect.ts';
import { requestOf } from './models/testing/fixtures.ts';
import { openLoopbackServer, type LoopbackServer } from './models/testing/loopback-server.ts';
import { openAttemptModels, type AttemptModelsOptions, type OpenedModels } from './open-attempt-models.ts';
import { agentAttempt } from './testing/agent-attempt.ts';

// Two of them start a process of their own.
vi.setConfig({ testTimeout: 30_000 });

const key = 'a-key-of-this-test';
const claude = 'anthropic:claude-haiku-4-5';
const hello = { system: 'Be brief.', messages: [{ role: 'user', text: 'Hello' }], tools: [] };
let home: CompanyHome;
let server: LoopbackServer;
beforeEach(async () => {
  home = unwrap(initHome(mkdtempSync(join(tmpdir(), 'agentcompany-gateway-'))));
  server = await openLoopbackServer({ dialect: anthropicDialect, key, models: [] });
});
afterEach(async () => {
  await server.close();
  rmSync(home.root, { recursive: true, force: true });
});

function options(flags: Record<string, unknown> = {}): AttemptModelsOptions {
  const environment = { ANTHROPIC_API_KEY: key };
  const anthropic = { base_url: server.url };
  const prices = [{ model: 'claude-haiku-4-5', input: 1, output: 5 }];
  const given = { model: claude, models: { anthropic, prices }, ...flags };
  const { config } = unwrap(loadConfig({ home, environment, flags: given }));
  const onUnrecorded = (error: unknown): never => {
    throw new Error(JSON.stringify(error));
  };
  return { home, config, environment, openPurse: async () => success(unlimitedPurse), onUnrecorded };
}

async function open(given = options(), work = agentAttempt()): Promise<OpenedModels> {
  const opened = unwrap(await openAttemptModels(given, work));
  if (opened === null) throw new Error('the attempt has no model');
  return opened;
}

async function ask(
  { models }: OpenedModels,
  request = requestOf('Hello'),
  signal = new AbortController().signal,
): Promise<readonly ModelEvent[]> {
  const events: ModelEvent[] = [];
  for await (const event of models.stream(request, signal)) events.push(event);
  return events;
}

/** The body of each request that reached the provider. */
function bodies(): readonly Record<string, unknown>[] {
  return server.seen.map(({ body }) => body as Record<string, unknown>);
}

describe('the model gateway', () => {
  it('S42 makes the provider’s request anew: model, tokens, warmth, key and headers are the host’s', async () => {
    const work = agentAttempt({ max_tokens: 222, temperature: 0.25 });
    const opened = await open(options(), work);
    const { call } = await openTestDoor({ models: opened.models });
    const headers = {
      'authorization': 'Bearer stolen',
      'x-api-key': 'stolen',
      'anthropic-beta': 'expensive-things',
      'x-forwarded-host': 'evil.example',
      'user-agent': 'worker',
      'cookie': 'a=b',
    };
    const answer = await call('POST', '/model/chat?model=dear&key=stolen', hello, headers);
    expect(chatEvents(answer).map(({ type }) => type)).toEqual(['text', 'text', 'text', 'end']);
    const [seen] = server.seen;
    expect(server.seen).toHaveLength(1);
    expect(seen?.path).toBe('/v1/messages');
    expect(seen?.headers['x-api-key']).toBe(key);
    expect(JSON.stringify(seen)).not.toMatch(/stolen|evil|expensive|dear|worker|cookie/u);
    expect(bodies()[0]).toMatchObject({ model: 'claude-haiku-4-5', max_tokens: 222, temperature: 0.25 });
    await ask(opened, requestOf('more', { maxOutputTokens: 1_000_000, temperature: 2 }));
    expect(bodies()[1]).toMatchObject({ max_tokens: 222, temperature: 0.25 });
    await ask(opened, requestOf('less', { maxOutputTokens: 5 }));
    expect(bodies()[2]).toMatchObject({ max_tokens: 5, temperature: 0.25 });
    expect(server.objections).toEqual([]);
  });

  it('S42 lets an attempt ask so often in a minute, whatever others do', async () => {
    const given = options({ model_requests_per_minute: 1 });
    const opened = await open(given);
    const end = new AbortController();
    await ask(opened);
    const second = ask(opened, requestOf('at once'), end.signal);
    await ask(await open(given), requestOf('of another attempt'));
    expect(bodies()).toHaveLength(2);
    end.abort();
    expect(await second).toMatchObject([{ type: 'failed' }]);
    expect(bodies()).toHaveLength(2);
  });

  it('opens the model that the assignment names, else the task’s, the agent’s, the company’s', async () => {
    const other = 'anthropic:claude-opus-4-5';
    const nameOf = async (given: AttemptModelsOptions, work = agentAttempt()): Promise<string> =>
      (await open(given, work)).models.modelName;
    const ofAgent = { model: other };
    const ofTask = { task: { model: 'anthropic:claude-sonnet-4-5' } };
    expect(await nameOf(options())).toBe('claude-haiku-4-5');
    expect(await nameOf(options(), agentAttempt(ofAgent))).toBe('claude-opus-4-5');
    expect(await nameOf(options(), agentAttempt(ofAgent, ofTask))).toBe('claude-sonnet-4-5');
    expect(await nameOf(options(), agentAttempt({}, { ...ofTask, model: other }))).toBe('claude-opus-4-5');
    const none = await openAttemptModels(options({ model: null }), agentAttempt());
    expect(none).toMatchObject({ ok: false, error: { code: 'AC_MODEL_NOT_CONFIGURED' } });
    const { attempt, run } = agentAttempt();
    const { agent: _, ...assignment } = attempt.assignment;
    expect(await openAttemptModels(options(), { run, attempt: { ...attempt, assignment } })).toEqual(success(null));
  });

  it('W9 accounts for each request once, exactly, and says what has no price', async () => {
    const opened = await open();
    server.next({ kind: 'answer', answer: { usage: { input: 1_000_001, output: 3, cacheRead: 0, cacheWrite: 0 } } });
    await ask(opened);
    await ask(opened, requestOf('again'));
    const usage = { input: 1_000_013, output: 8, cache_read: 0, cache_write: 0 };
    const line = { provider: 'anthropic', model: 'claude-haiku-4-5', usage, calls: 2, estimated: false };
    expect(opened.account()).toEqual([{ ...line, cost_usd: 1.000053 }]);
    const unknown = await open(options({ model: 'anthropic:claude-unheard-of' }));
    await ask(unknown, requestOf('what is not known'));
    expect(unknown.account()).toMatchObject([{ model: 'claude-unheard-of', calls: 1, cost_usd: null }]);
  });

  it('stays within the budget, and sends nothing that could break it', async () => {
    const limited = { ...options(), openPurse: async () => success(openPurse(runId, { usd: 0.025, tokens: null })) };
    const opened = await open(limited);
    expect((await ask(opened)).at(-1)).toMatchObject({ type: 'end' });
    expect((await ask(opened, requestOf('x'.repeat(25_000)))).at(-1)).toMatchObject({
      type: 'failed',
      error: { code: 'AC_BUDGET_SPENT', remedy: expect.stringContaining('agentcompany resume RUN --budget USD') },
    });
    expect(server.seen).toHaveLength(1);
  });

  it('C27 counts the turns of a code agent: whole answers to requests with tools, and no more than it may have', async () => {
    const tools = [{ name: 'shell', description: 'A shell.', parameters: { type: 'object' } }];
    const turn = (text: string) => requestOf(text, { tools });
    const opened = await open(options(), agentAttempt({ runtime: 'codex', max_turns: 2 }));
    const last = async (request: ReturnType<typeof requestOf>): Promise<ModelEvent | undefined> =>
      (await ask(opened, request)).at(-1);
    expect((await last(turn('one')))?.type).toBe('end');
    // A title of the conversation, or an answer that did not come, is no turn.
    expect((await last(requestOf('a title')))?.type).toBe('end');
    server.next({ kind: 'fault', fault: 'bad-request' });
    expect(await last(turn('two'))).toMatchObject({ type: 'failed', error: { code: 'AC_MODEL_REQUEST_REFUSED' } });
    expect((await last(turn('two')))?.type).toBe('end');
    const asked = server.seen.length;
    expect(await last(turn('three'))).toMatchObject({
      type: 'failed',
      error: { code: 'AC_WORK_PARTIAL', message: 'the agent was not done after 2 answers of its model' },
    });
    expect(server.seen).toHaveLength(asked);
    // The builtin agent counts its own.
    const builtin = await open(options(), agentAttempt({ max_turns: 1 }));
    for (const text of ['four', 'five']) expect((await ask(builtin, turn(text))).at(-1)?.type).toBe('end');
  });

  it('keeps what was said beside the run, without the key, and nothing where nothing is to be recorded', async () => {
    server.next({ kind: 'answer', answer: { texts: ['your key is ', key] } });
    await ask(await open(), requestOf(`my key is ${key}`));
    const folder = join(home.runsFolder, runId, 'exchanges');
    const [name = ''] = readdirSync(folder);
    const text = readFileSync(join(folder, name), 'utf8');
    expect([text.includes(key), text.includes('my key is [secret]'), text.includes('your key is [secret]')]).toEqual([
      false,
      true,
      true,
    ]);
    rmSync(folder, { recursive: true });
    const silent = options({ record_models: false });
    await ask(await open(silent));
    await ask(await open(silent));
    expect([existsSync(folder), server.seen.length]).toEqual([false, 3]);
  });

  it('pays a reply once: a process killed before it used the reply leaves it to the next one', async () => {
    expect(await askAndDie('end')).toBe('SIGKILL');
    expect(server.seen).toHaveLength(1);
    const next = await open();
    const events = await ask(next);
    expect(events.filter(({ type }) => type === 'text')).toEqual([{ type: 'text', text: 'Hello, world' }]);
    expect([events.at(-1)?.type, server.seen.length, next.account()]).toEqual(['end', 1, []]);
    const otherRound = await open(options(), agentAttempt({}, { round: 2 }));
    await ask(otherRound);
    expect(server.seen).toHaveLength(2);
  });

  it('asks again for what was cut short: a reply that never ended was not kept', async () => {
    expect(await askAndDie('text')).toBe('SIGKILL');
    await ask(await open());
    expect(server.seen).toHaveLength(2);
  });

  /** Another process asks, and is killed at the first event of this type. */
  async function askAndDie(moment: ModelEvent['type']): Promise<NodeJS.Signals | null> {
    const from = (file: string): string => JSON.stringify(join(import.meta.dirname, file));
    const { config } = options();
    const script = `
      import { openAttemptModels } from ${from('open-attempt-models.ts')};
      import { unlimitedPurse } from ${from('models/purse.ts')};
      import { requestOf } from ${from('models/testing/fixtures.ts')};
      import { agentAttempt } from ${from('testing/agent-attempt.ts')};
      const given = {
        home: ${JSON.stringify(home)},
        config: ${JSON.stringify(config)},
        environment: { ANTHROPIC_API_KEY: ${JSON.stringify(key)} },
        openPurse: async () => ({ ok: true, value: unlimitedPurse }),
        onUnrecorded: (error) => { throw error; },
      };
      const { value: { models } } = await openAttemptModels(given, agentAttempt());
      for await (const event of models.stream(requestOf('Hello'), new AbortController().signal))
        if (event.type === ${JSON.stringify(moment)}) process.kill(process.pid, 'SIGKILL');
      process.exit(1);`;
    const child = spawn(process.execPath, ['--conditions=development', '--input-type=module', '--eval', script], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return signal;
  }
});
