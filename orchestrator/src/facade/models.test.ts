import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Company } from '../company-facade.ts';
import { initHome, type CompanyHome } from '../company-home.ts';
import { loadConfig, type Environment } from '../config.ts';
import { anthropicDialect } from '../models/testing/anthropic-dialect.ts';
import { openLoopbackServer, type LoopbackServer } from '../models/testing/loopback-server.ts';
import { chainChecks } from '../open-checks.ts';
import { openCompany } from '../open-company.ts';
import { openModel, type ModelsOptions } from '../open-models.ts';
import { addProject } from '../projects.ts';
import { checkModels } from './check-models.ts';
import { listModels, testModel } from './models.ts';

const key = 'sk-ant-0123456789';
let folder: string;
let home: CompanyHome;
let server: LoopbackServer;
const opened: Company[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'company-models-'));
  home = unwrap(initHome(folder));
  server = await openLoopbackServer({ dialect: anthropicDialect, key, models: ['claude-sonnet-5'] });
});
afterEach(async () => {
  for (const company of opened.splice(0)) await company.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

function options(flags: Record<string, unknown>, environment: Environment = { ANTHROPIC_API_KEY: key }): ModelsOptions {
  const { config } = unwrap(loadConfig({ home, environment, flags }));
  return { home, config, environment };
}
const claude = (): Record<string, unknown> => ({ model: 'claude', models: { anthropic: { base_url: server.url } } });

async function open(given: ModelsOptions): Promise<Company> {
  const { config } = unwrap(loadConfig({ home, environment: given.environment, flags: { ...given.config } }));
  const company = unwrap(await openCompany(home, { environment: given.environment, installation: folder, config }));
  opened.push(company);
  return company;
}

describe('the doctor’s look at the model', () => {
  it('asks for the model without spending a token, and passes over it where none is configured', async () => {
    expect(unwrap(await checkModels(options(claude())))).toBe('anthropic:claude-sonnet-5');
    expect(server.seen.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /v1/models/claude-sonnet-5']);
    expect(unwrap(await checkModels(options({})))).toContain('skipped: no model is configured');
    const chain = chainChecks({
      ...options(claude()),
      home,
      installation: folder,
      config: unwrap(loadConfig({ home, environment: {}, flags: claude() })).config,
      environment: {},
    });
    const check = chain.find(({ id }) => id === 'model');
    expect(await check?.run()).toMatchObject({ ok: false, error: { code: 'AC_MODEL_KEY_MISSING' } });
  });

  it.each<[string, Record<string, unknown>, Environment, string, string]>([
    ['no key', {}, {}, 'AC_MODEL_KEY_MISSING', 'ANTHROPIC_API_KEY'],
    ['a blank key', {}, { ANTHROPIC_API_KEY: ' ' }, 'AC_MODEL_KEY_MISSING', 'ANTHROPIC_API_KEY'],
    [
      'a key that is none',
      {},
      { ANTHROPIC_API_KEY: 'sk-ant-wrong\nsk-ant-wrong' },
      'AC_MODEL_KEY_MALFORMED',
      'ANTHROPIC',
    ],
    ['a wrong key', {}, { ANTHROPIC_API_KEY: 'sk-ant-wrong' }, 'AC_MODEL_KEY_REFUSED', 'models.anthropic.api_key'],
    ['a model it has not', { model: 'claude-9' }, { ANTHROPIC_API_KEY: key }, 'AC_MODEL_ABSENT', 'claude-9'],
    ['a fallback it has not', { fallback_model: 'anthropic:b' }, { ANTHROPIC_API_KEY: key }, 'AC_MODEL_ABSENT', 'b'],
  ])('names the remedy of %s', async (_, flags, environment, code, words) => {
    const error = await checkModels(options({ ai_adapter: 'anthropic', ...claude(), ...flags }, environment));
    expect(error).toMatchObject({ ok: false, error: { code } });
    expect(inspect(error)).toContain(words);
    expect(inspect(error)).not.toMatch(/sk-ant-(0123456789|wrong)/);
  });

  it('names the address of a server that is down', async () => {
    const { url } = server;
    await server.close();
    const error = await checkModels(options(claude()));
    expect(error).toMatchObject({
      ok: false,
      error: { code: 'AC_MODEL_UNREACHABLE', cause: expect.stringContaining('ECONNREFUSED') },
    });
    expect(inspect(error)).toContain(url);
    server = await openLoopbackServer({ dialect: anthropicDialect, key, models: [] });
  });
});

describe('keys', () => {
  it('are never part of the configuration, and a key written there is refused without being shown', () => {
    const given = { models: { anthropic: { api_key: '${MY_KEY}' } } };
    const { config } = unwrap(loadConfig({ home, environment: { MY_KEY: key }, flags: given }));
    expect(JSON.stringify(config)).not.toContain(key);
    const literal = loadConfig({ home, environment: {}, flags: { models: { anthropic: { api_key: key } } } });
    expect(literal).toMatchObject({ ok: false, error: { code: 'AC_CONFIG_INVALID' } });
    expect(inspect(literal)).toContain('never the key itself');
    expect(inspect(literal)).not.toContain(key);
  });

  it('do not go unencrypted to another machine', async () => {
    const base_url = 'http://models.example:8000';
    const remote = options({ model: 'claude', models: { anthropic: { base_url } } });
    expect(await openModel(remote)).toMatchObject({ ok: false, error: { code: 'AC_MODEL_ADDRESS_UNSAFE' } });
    const open = options({ model: 'openai:x', models: { openai: { base_url, api_key: null } } });
    expect(await openModel(open)).toMatchObject({ ok: true });
  });

  it.each(['ftp://x', 'http://user:pass@x', 'http://x/?key=1', 'no address'])('refuses the address %s', (base_url) => {
    const loaded = loadConfig({ home, environment: {}, flags: { models: { openai: { base_url } } } });
    expect(loaded).toMatchObject({ ok: false, error: { code: 'AC_CONFIG_INVALID' } });
  });
});

describe('listModels and testModel', () => {
  it('tells which keys are set, what names mean, and prices; unpriced is not 0', async () => {
    const given = options({ ...claude(), fallback_model: 'openai:mystery' });
    const { providers, models } = unwrap(await listModels(given));
    expect(providers.map(({ provider, key: state }) => [provider, state])).toEqual([
      ['ollama', 'none'],
      ['anthropic', 'set'],
      ['openai', 'missing'],
      ['gemini', 'missing'],
      ['scripted', 'none'],
    ]);
    expect(models.slice(0, 2)).toEqual([
      {
        name: 'claude',
        role: 'model',
        provider: 'anthropic',
        model: 'claude-sonnet-5',
        prices: { input: 2, output: 10, cache_read: 0.2, cache_write: 2.5 },
      },
      { name: 'openai:mystery', role: 'fallback_model', provider: 'openai', model: 'mystery', prices: null },
    ]);
    expect(models.at(-1)).toMatchObject({ name: 'llama', prices: { input: 0, output: 0 } });
    expect(inspect({ providers, models })).not.toContain(key);
  });

  it('makes one call and tells time, tokens and cost', async () => {
    server.next({
      kind: 'answer',
      answer: { texts: ['rea', 'dy'], usage: { input: 1000, output: 100, cacheRead: 0, cacheWrite: 0 } },
    });
    const tested = unwrap(await testModel(options(claude()), undefined, AbortSignal.timeout(10_000)));
    expect(tested).toMatchObject({ text: 'ready', usage: { input: 1000, output: 100 }, cost_usd: 0.003 });
    expect(tested.first_token_ms).toBeLessThanOrEqual(tested.total_ms);
    expect(server.seen).toHaveLength(1);
    server.next({ kind: 'fault', fault: 'context' });
    expect(await testModel(options(claude()), 'claude', AbortSignal.timeout(10_000))).toMatchObject({
      ok: false,
      error: { code: 'AC_MODEL_CONTEXT_TOO_LONG' },
    });
    expect(await testModel(options({}), undefined, AbortSignal.timeout(10_000))).toMatchObject({
      ok: false,
      error: { code: 'AC_MODEL_NOT_CONFIGURED' },
    });
  });
});

describe('an instruction without a plan', () => {
  function addShop(): void {
    const repository = join(folder, 'shop');
    mkdirSync(repository);
    const git = (...words: string[]): void =>
      void execFileSync('git', ['-C', repository, '-c', 'user.name=T', '-c', 'user.email=t@example.org', ...words]);
    git('init', '--quiet', '--initial-branch=main');
    writeFileSync(join(repository, 'till.ts'), '');
    git('add', '-A');
    git('commit', '--quiet', '-m', 'First commit');
    unwrap(addProject(home, { cwd: '/', path: repository, id: 'shop' }));
  }

  it.each<[string, { projectId: string; instruction: string }, Record<string, unknown>, string]>([
    ['empty', { projectId: 'shop', instruction: '' }, { model: 'llama' }, 'AC_INSTRUCTION_EMPTY'],
    ['blank', { projectId: 'shop', instruction: ' \n\t' }, { model: 'llama' }, 'AC_INSTRUCTION_EMPTY'],
    ['no project', { projectId: 'shp', instruction: 'Do it' }, { model: 'llama' }, 'AC_PROJECT_UNKNOWN'],
    ['no model', { projectId: 'shop', instruction: 'Do it' }, {}, 'AC_MODEL_UNAVAILABLE'],
    ['no key', { projectId: 'shop', instruction: 'Do it' }, { model: 'gpt' }, 'AC_MODEL_KEY_MISSING'],
  ])('C11 is refused before anything is on record: %s', async (_, request, flags, code) => {
    addShop();
    const company = await open(options(flags));
    expect(await company.submit({ ...request, plan: null })).toMatchObject({ ok: false, error: { code } });
    const drafted = await company.draftPlan(request, AbortSignal.timeout(10_000));
    expect(drafted).toMatchObject({ ok: false, error: { code } });
    expect(unwrap(await company.listRuns())).toEqual([]);
  });

  it('is planned for show from what the integration branch holds, and nothing is started', async () => {
    addShop();
    const company = await open(options(claude()));
    const task = { id: 'a', title: 'A', instructions: 'Do a.', run: { command: 'touch a' } };
    server.next({ kind: 'answer', answer: { texts: [JSON.stringify({ title: 'All', tasks: [task] })] } });
    const request = { projectId: 'shop', instruction: 'Do it all' };
    const { plan, calls } = unwrap(await company.draftPlan(request, AbortSignal.timeout(10_000)));
    expect([plan.title, calls.length, calls[0]?.cost_usd]).toEqual(['All', 1, expect.closeTo(0.000074, 9)]);
    expect(server.objections).toEqual([]);
    expect(JSON.stringify(server.seen[0]?.body)).toContain('till.ts');
    expect(unwrap(await company.listRuns())).toEqual([]);
  });
});
