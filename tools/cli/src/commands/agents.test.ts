import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { CompanyHome } from '@agentcompany/orchestrator/company-home';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  openLoopbackServer,
  type LoopbackServer,
} from '../../../../orchestrator/src/models/testing/loopback-server.ts';
import { openaiDialect } from '../../../../orchestrator/src/models/testing/openai-dialect.ts';
import { homeWithProject, runCli } from '../testing/run-cli.ts';

const key = 'sk-0123456789';
const definition =
  'role: worker\ndescription: Bakes \u001b[31mbread, rolls and whatever else is asked of somebody who has an oven\nmodel: openai:m1\nmax_tokens: 50\npersonality: Warm.\nprompt: |\n  You bake.\n  Daily.\n';
let server: LoopbackServer;
let home: CompanyHome;
let environment: Record<string, string>;
beforeEach(async () => {
  server = await openLoopbackServer({ dialect: openaiDialect, key, models: ['m1'] });
  home = homeWithProject();
  define('baker', definition.replace('\u001b', '\\e').replace(/description: (.*)/, 'description: "$1"'));
  environment = {
    OPENAI_API_KEY: key,
    AGENTCOMPANY_MODELS: JSON.stringify({
      openai: { base_url: `${server.url}/v1` },
      prices: [{ model: 'm1', input: 1, output: 2 }],
    }),
  };
});
afterEach(() => server.close());

function define(name: string, text: string): void {
  mkdirSync(path.join(home.root, 'agents'), { recursive: true });
  writeFileSync(path.join(home.root, 'agents', `${name}.yaml`), text);
}

describe('agents', () => {
  it.each([[['agents']], [['agents', 'list']]])('%j lists them at 80 columns', async (words) => {
    const { exitCode, stdout } = await runCli(words, { home });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^AGENT +ROLE +RUNTIME +MODEL +FROM +DESCRIPTION\nbaker +worker +builtin +openai:m1 +company +Bakes/,
    );
    expect(stdout).not.toContain('\u001b');
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('list and show print all of it with --json', async () => {
    const list = await runCli(['agents', 'list', '--json'], { home });
    const agent = { name: 'baker', temperature: 0.7, timeout: 30, from: 'company', prompt: 'You bake.\nDaily.\n' };
    expect(JSON.parse(list.stdout)).toMatchObject({ version: 1, agents: [agent] });
    const show = await runCli(['agents', 'show', 'baker', '--json'], { home });
    expect(JSON.parse(show.stdout)).toMatchObject({ version: 1, agent });
  });

  it('show gives what is settled and the prompt', async () => {
    const { exitCode, stdout } = await runCli(['agents', 'show', 'baker'], { home });
    expect(exitCode).toBe(0);
    for (const line of [
      'temperature  0.7',
      'timeout      30 s for one call',
      'personality  Warm.',
      'You bake.\nDaily.',
    ])
      expect(stdout).toContain(`${line}\n`);
    expect(stdout).not.toContain('\u001b');
  });

  it('test asks the agent’s model in its words, and shows what that took', async () => {
    server.next({ kind: 'answer', answer: { texts: ['I bake, ', 'and look at the oven first.'] } });
    const { exitCode, stdout } = await runCli(['agents', 'test', 'baker'], { home, environment });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^agent +baker\nmodel +openai:m1\nanswer +I bake, and look at the oven first.\nlatency /);
    expect(stdout).toMatch(/\ntokens +\d+ in, \d+ out\ncost +\$0\.0000\d\d\n$/);
    expect(server.seen[0]?.body).toMatchObject({
      max_completion_tokens: 50,
      temperature: 0.7,
      messages: [{ role: 'system', content: 'You bake.\nDaily.\n\nYour personality: Warm.' }, { role: 'user' }],
    });
    const json = await runCli(['agents', 'test', 'baker', '--json'], { home, environment });
    expect(JSON.parse(json.stdout)).toMatchObject({ version: 1, agent: 'baker', model: 'm1', usage: {} });
  });

  it('W7 test gives up a call that takes longer than the definition allows', async () => {
    define('baker', `${definition.replace('\u001b', '')}timeout: 1\n`);
    server.next(...Array.from({ length: 4 }, () => ({ kind: 'silence' as const })));
    const { exitCode, stderr } = await runCli(['agents', 'test', 'baker'], { home, environment });
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('AC_MODEL_TIMEOUT')]);
  }, 30_000);

  it.each<[readonly string[], number, string]>([
    [['agents', 'show', 'bakr'], 2, 'no agent is called bakr, did you mean baker?'],
    [['agents', 'test', 'nobody'], 2, 'AC_AGENT_UNKNOWN'],
    [['agents', 'test', 'plain'], 4, 'AC_AGENT_MODEL_MISSING'],
    [['agents', 'test', 'baker'], 4, 'AC_MODEL_KEY_MISSING'],
  ])('%j fails with %i and the remedy', async (words, code, text) => {
    define('plain', 'role: worker\n');
    const { exitCode, stderr } = await runCli(words, { home });
    expect([exitCode, stderr]).toEqual([code, expect.stringContaining(text)]);
    expect(stderr).toContain('  remedy: ');
  });

  it('a definition that cannot be used is an error of every command that reads them', async () => {
    define('broken', 'role: worker\ntemprature: 1\n');
    const plan = path.join(home.root, 'plan.yaml');
    writeFileSync(plan, 'title: t\ntasks: [{id: a, title: A, run: {command: "true"}}]\n');
    for (const words of [
      ['agents', 'list'],
      ['agents', 'show', 'baker'],
      ['plan', 'check', plan],
    ]) {
      const { exitCode, stderr } = await runCli(words, { home });
      expect([exitCode, stderr]).toEqual([4, expect.stringContaining('broken.yaml:2)')]);
    }
  });

  it('plan check knows who works here', async () => {
    const plan = path.join(home.root, 'plan.yaml');
    const tasks = (agent: string): string =>
      `title: t\ntasks:\n  - {id: a, title: A, instructions: Do., agent: ${agent}}\n`;
    writeFileSync(plan, tasks('baker'));
    const good = await runCli(['plan', 'check', plan], { home });
    expect([good.exitCode, good.stdout]).toEqual([0, expect.stringMatching(/^a +- +baker +A$/m)]);
    writeFileSync(plan, tasks('backer'));
    const bad = await runCli(['plan', 'check', plan], { home });
    expect([bad.exitCode, bad.stderr]).toEqual([2, expect.stringContaining('did you mean baker? (')]);
    expect(bad.stderr).toContain('plan.yaml:3)');
  });
});
