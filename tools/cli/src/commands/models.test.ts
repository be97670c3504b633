import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { geminiDialect } from '../../../../orchestrator/src/models/testing/gemini-dialect.ts';
import {
  openLoopbackServer,
  type LoopbackServer,
} from '../../../../orchestrator/src/models/testing/loopback-server.ts';
import { runCli } from '../testing/run-cli.ts';

const key = 'key-0123456789';
let server: LoopbackServer;
let environment: Record<string, string>;
beforeEach(async () => {
  server = await openLoopbackServer({ dialect: geminiDialect, key, models: ['gemini-2.5-pro'] });
  environment = {
    GEMINI_API_KEY: key,
    AGENTCOMPANY_MODEL: 'gemini:gemini-2.5-pro',
    AGENTCOMPANY_MODELS: JSON.stringify({ gemini: { base_url: server.url } }),
  };
});
afterEach(() => server.close());

describe('models', () => {
  it('lists providers, keys and prices, the configured model first', async () => {
    const { exitCode, stdout, stderr } = await runCli(['models'], { environment });
    expect([exitCode, stderr]).toEqual([0, '\nPrices are US dollars per million tokens.\n']);
    expect(stdout).toMatch(/^gemini +set +GEMINI_API_KEY +http:\/\/127/m);
    expect(stdout).toMatch(/^openai +missing +OPENAI_API_KEY /m);
    expect(stdout).toMatch(/^gemini:gemini-2.5-pro +model +\$1.25 +\$10 /m);
    expect(stdout).not.toContain(key);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    const json = await runCli(['models', '--json'], {
      environment: { ...environment, AGENTCOMPANY_MODEL: 'openai:x' },
    });
    expect(JSON.parse(json.stdout)).toMatchObject({
      version: 1,
      providers: expect.arrayContaining([expect.objectContaining({ provider: 'gemini', key: 'set' })]),
      models: expect.arrayContaining([expect.objectContaining({ model: 'x', prices: null })]),
    });
    expect(server.seen).toEqual([]);
  });

  it('test makes one call and shows what came of it', async () => {
    const { exitCode, stdout } = await runCli(['models', 'test'], { environment });
    expect([exitCode, server.seen.length]).toEqual([0, 1]);
    expect(stdout).toMatch(
      /^model +gemini:gemini-2.5-pro\nanswer +Hello, world\nlatency +\d+ ms to the first text, \d+ ms in all\n/,
    );
    expect(stdout).toContain('tokens   12 in, 5 out\ncost     $0.000065\n');
    const json = await runCli(['models', 'test', 'gemini:other', '--json'], { environment });
    expect(JSON.parse(json.stdout)).toMatchObject({ version: 1, model: 'other', usage: { input: 12 }, cost_usd: null });
  });

  it.each<[readonly string[], Record<string, string>, number, string]>([
    [['models', 'test'], { AGENTCOMPANY_MODEL: '' }, 4, 'AC_CONFIG_INVALID'],
    [['models', 'test', 'claude'], {}, 4, 'AC_MODEL_KEY_MISSING'],
    [['models', 'test'], { GEMINI_API_KEY: 'another-key' }, 4, 'AC_MODEL_KEY_REFUSED'],
    [
      ['models'],
      { AGENTCOMPANY_FALLBACK_MODEL: 'other', AGENTCOMPANY_AI_ADAPTER: 'openai' },
      4,
      'AC_MODEL_NAME_UNKNOWN',
    ],
  ])('%j with %j fails with %i and the remedy', async (words, more, code, text) => {
    const { exitCode, stderr } = await runCli(words, { environment: { ...environment, ...more } });
    expect([exitCode, stderr]).toEqual([code, expect.stringContaining(text)]);
    expect(stderr).toContain('  remedy: ');
    expect(stderr).not.toMatch(/key-0123456789|another-key/);
  });

  it('test is called off by Ctrl-C', async () => {
    server.next({ kind: 'silence' });
    let interrupt = (): void => undefined;
    const running = runCli(['models', 'test'], { environment, interruptible: (given) => (interrupt = given) });
    await expect.poll(() => server.seen.length).toBe(1);
    interrupt();
    expect(await running).toMatchObject({ exitCode: 130, stdout: '' });
  });
});
