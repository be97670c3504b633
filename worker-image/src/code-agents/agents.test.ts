import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentDefinition } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AgentLaunch, AgentPlace } from './agent-launch.ts';
import { startAgent, type AgentExit, type AgentProcess } from './agent-process.ts';
import { launchClaudeCode } from './claude-code.ts';
import { launchCodex } from './codex.ts';
import { launchGeminiCli } from './gemini-cli.ts';
import { launchOpencode } from './opencode.ts';

const definition = agentDefinition.parse({ name: 'a', role: 'worker', runtime: 'claude-code' });
const place: AgentPlace = {
  order: { definition, agent_timeout: 300, model: 'some-model', acceptance: [], paths: [], resume: false },
  address: 'http://127.0.0.1:1',
  repository: '/',
  home: '/nowhere',
  prompt: 'Do it.\n',
  hear: async () => null,
  toolServer: null,
};

/** A program in place of an agent, run by this Node. */
async function start(code: string, timeoutSeconds = 30): Promise<AgentProcess> {
  // Inside the checkout, so that it finds the packages.
  const cache = join(import.meta.dirname, '../../../.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'stand-in-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'agent.mjs'), code);
  return startAgent({
    program: process.execPath,
    args: [join(folder, 'agent.mjs')],
    folder: tmpdir(),
    environment: { PATH: process.env['PATH'] ?? '' },
    timeoutSeconds,
    onErrorOutput: () => undefined,
  });
}

interface Told {
  readonly words: Awaited<ReturnType<AgentLaunch['converse']>>;
  readonly exit: AgentExit;
  readonly tools: readonly string[];
  readonly texts: readonly string[];
}

async function follow(launch: AgentLaunch, agent: AgentProcess): Promise<Told> {
  const tools: string[] = [];
  const texts: string[] = [];
  const words = await launch.converse(agent, {
    onTool: (name) => tools.push(name),
    onText: (text) => texts.push(text),
  });
  return { words, exit: await agent.exit, tools, texts };
}

/** An agent that reads its prompt to the end, then prints these lines. */
const printing = (...lines: readonly unknown[]): string => `
  let prompt = '';
  for await (const chunk of process.stdin) prompt += chunk;
  if (prompt !== 'Do it.\\n') process.exit(9);
  for (const line of ${JSON.stringify(lines)}) console.log(typeof line === 'string' ? line : JSON.stringify(line));
`;

describe('Claude Code', () => {
  it('is understood: its tools, its messages, and whether it says it failed', async () => {
    const content = [
      { type: 'text', text: 'I look.' },
      { type: 'tool_use', name: 'Bash', input: { command: 'secret' } },
    ];
    const result = { type: 'result', subtype: 'success', is_error: false, result: 'All done.', total_cost_usd: 12 };
    const agent = await start(
      printing({ type: 'system' }, 'not json', { type: 'assistant', message: { content } }, result),
    );
    const { words, exit, tools, texts } = await follow(launchClaudeCode(place), agent);
    expect([words, exit.exitCode]).toEqual([{ text: 'All done.', problem: null }, 0]);
    expect([tools, texts]).toEqual([['Bash'], ['I look.', 'All done.']]);
    const failed = { type: 'result', subtype: 'error_max_turns', is_error: true };
    const second = await follow(launchClaudeCode(place), await start(printing(failed)));
    expect(second.words.problem).toBe('error_max_turns');
  });

  it("is started with the tools of its definition and the host's", () => {
    const tools = launchClaudeCode({
      ...place,
      order: { ...place.order, definition: { ...definition, tools: ['Bash', 'Read'] } },
      toolServer: 'http://127.0.0.1:1/mcp',
    });
    const line = tools.args.join(' ');
    expect(line).toContain(
      '--model=some-model --tools Bash,Read --mcp-config {"mcpServers":{"agentcompany":{"type":"http"',
    );
    expect(tools.environment['ANTHROPIC_BASE_URL']).toBe('http://127.0.0.1:1/anthropic');
  });
});

describe('Codex', () => {
  it('is understood: commands, messages, turns that fail, and errors that were overcome', async () => {
    const lines = [
      { type: 'item.started', item: { type: 'command_execution', command: 'secret' } },
      { type: 'error', message: 'Reconnecting' },
      { type: 'item.completed', item: { type: 'agent_message', text: 'Done.' } },
      { type: 'turn.completed', usage: {} },
    ];
    const { words, tools } = await follow(launchCodex(place), await start(printing(...lines)));
    expect([words, tools]).toEqual([{ text: 'Done.', problem: null }, ['shell']]);
    const failed = { type: 'turn.failed', error: { message: 'no model' } };
    expect((await follow(launchCodex(place), await start(printing(failed)))).words.problem).toBe('no model');
  });

  it('has its configuration in a file, addresses quoted', () => {
    const launch = launchCodex({ ...place, toolServer: 'http://127.0.0.1:1/mcp' });
    const file = launch.files['.codex/config.toml'];
    expect(file).toContain('base_url = "http://127.0.0.1:1/openai/v1"\nwire_api = "responses"');
    expect(file).toContain('[mcp_servers.agentcompany]\nurl = "http://127.0.0.1:1/mcp"\n');
  });
});

/** An agent of the Agent Client Protocol: what it does when it is prompted is `prompt`. */
const acpAgent = (prompt: string): string => `
  import { Readable, Writable } from 'node:stream';
  import { agent, methods, ndJsonStream } from '@agentclientprotocol/sdk';
  const sessionId = 's1';
  const say = (client, text) =>
    client.notify(methods.client.session.update, { sessionId, update: { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } } });
  let cancelled = () => undefined;
  const stream = ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin));
  agent({ name: 'stand-in' })
    .onRequest(methods.agent.initialize, () => ({ protocolVersion: 1, agentCapabilities: {} }))
    .onRequest(methods.agent.session.new, () => ({ sessionId }))
    .onRequest(methods.agent.session.setMode, async ({ client }) => { await say(client, 'mode is yolo'); return {}; })
    .onNotification(methods.agent.session.cancel, () => cancelled())
    .onRequest(methods.agent.session.prompt, async ({ params, client }) => { ${prompt} })
    .connect(stream);
`;

describe('an agent of the Agent Client Protocol', () => {
  it('is prompted once, given what it asks for, and ended when it has answered', async () => {
    const code = acpAgent(`
      if (params.prompt[0].text !== 'Do it.\\n') throw new Error('another prompt');
      await say(client, 'I ');
      await say(client, 'begin.');
      const toolCall = { toolCallId: 't1', title: 'a secret title', kind: 'execute' };
      await client.notify(methods.client.session.update, { sessionId, update: { sessionUpdate: 'tool_call', ...toolCall } });
      const options = [
        { optionId: 'no', name: 'No', kind: 'reject_once' },
        { optionId: 'yes', name: 'Yes', kind: 'allow_once' },
      ];
      const { outcome } = await client.request(methods.client.session.requestPermission, { sessionId, toolCall, options });
      await say(client, 'Chosen: ' + outcome.optionId);
      return { stopReason: 'end_turn' };`);
    for (const launch of [launchOpencode(place), launchGeminiCli(place)]) {
      const { words, exit, tools, texts } = await follow(launch, await start(code));
      expect(words).toEqual({ text: 'Chosen: yes', problem: null });
      expect([tools, texts]).toEqual([['execute'], ['I begin.', 'Chosen: yes']]);
      expect([exit.wasKilled, exit.timedOut]).toEqual([true, false]);
    }
  });

  it('is prompted again with what people told meanwhile, in the same session', async () => {
    const code = acpAgent(`
      await say(client, 'heard: ' + params.prompt[0].text.trim());
      return { stopReason: 'end_turn' };`);
    const said = ['Also X.', 'And Y.'];
    const hear = async (): Promise<string | null> => said.shift() ?? null;
    const { words, texts } = await follow(launchOpencode({ ...place, hear }), await start(code));
    expect(words).toEqual({ text: 'heard: And Y.', problem: null });
    expect(texts).toEqual(['heard: Do it.', 'heard: Also X.', 'heard: And Y.']);
  });

  it('trap: what is no end of its turn is a failure, as is an answer that is an error or none', async () => {
    const refusal = await follow(launchOpencode(place), await start(acpAgent(`return { stopReason: 'refusal' };`)));
    expect(refusal.words.problem).toBe('it stopped: refusal');
    const error = await follow(launchOpencode(place), await start(acpAgent(`throw new Error('broken');`)));
    expect(error.words.problem).toMatch(/error|broken/i);
    const gone = await follow(launchOpencode(place), await start('process.exit(3);'));
    expect(gone.words.problem).not.toBeNull();
  });

  it('is told to break off when its time is up, before it is killed', async () => {
    const code = acpAgent(`
      await new Promise((resolve) => { cancelled = resolve; });
      await say(client, 'broken off');
      return { stopReason: 'cancelled' };`);
    const { words, exit } = await follow(launchOpencode(place), await start(code, 2));
    expect([words.text, words.problem, exit.timedOut]).toEqual(['broken off', 'it stopped: cancelled', true]);
  });
});

describe('the process of an agent', () => {
  it('trap e: finds the end of its standard input, and what it started ends with it', async () => {
    const agent = await start(`
      import { spawn } from 'node:child_process';
      for await (const chunk of process.stdin);
      const child = spawn('sleep', ['300'], { stdio: 'ignore' });
      console.log(JSON.stringify({ type: 'result', is_error: false, result: String(child.pid) }));
      child.unref();`);
    const { words, exit } = await follow(launchClaudeCode(place), agent);
    expect(exit.exitCode).toBe(0);
    await expect.poll(() => isAlive(Number(words.text))).toBe(false);
  });

  it('is killed when its time is up and it does not break off', async () => {
    const { exit } = await follow(launchClaudeCode(place), await start('setInterval(() => undefined, 1000);', 1));
    expect([exit.timedOut, exit.exitCode, exit.signal]).toEqual([true, null, 'SIGKILL']);
  });

  it('that cannot be started is an end like any other', async () => {
    const agent = startAgent({
      program: '/nowhere/agent',
      args: [],
      folder: tmpdir(),
      environment: {},
      timeoutSeconds: 10,
      onErrorOutput: () => undefined,
    });
    const { exit } = await follow(launchCodex(place), agent);
    expect([exit.exitCode, exit.errorOutput]).toEqual([null, expect.stringContaining('ENOENT')]);
  });
});

/** A process that ended and that nobody asked for its end counts as gone. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
