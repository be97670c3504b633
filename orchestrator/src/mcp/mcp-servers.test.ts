import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap, type AppError } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { McpServers, type OutsideTool } from './mcp-servers.ts';
import type { ServerSettings } from './server-settings.ts';

const script = join(import.meta.dirname, 'testing', 'example-server.ts');
const signal = new AbortController().signal;

interface Opened {
  readonly servers: McpServers;
  readonly settings: (more?: Partial<ServerSettings> & { readonly mode?: string }) => ServerSettings;
  readonly failures: AppError[];
  /** Process ids of each start: of the server, and of what it started. */
  readonly starts: () => Promise<readonly (readonly number[])[]>;
}

async function open(environment: Readonly<Record<string, string>> = {}): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), 'agentcompany-mcp-'));
  const startFile = join(folder, 'starts');
  const failures: AppError[] = [];
  const servers = new McpServers({ environment, onFailure: (_, error) => failures.push(error) });
  onTestFinished(async () => {
    await servers.close();
    await rm(folder, { recursive: true });
  });
  const settings: Opened['settings'] = ({ mode = '', ...more } = {}) => ({
    command: process.execPath,
    args: ['--conditions=development', script, startFile, mode],
    env: {},
    tools: ['echo'],
    timeout: 20,
    ...more,
  });
  const starts = async (): Promise<readonly (readonly number[])[]> => {
    const lines = (await readFile(startFile, 'utf8')).trim().split('\n');
    return lines.map((line) => line.split(' ').map(Number));
  };
  return { servers, settings, failures, starts };
}

function named(tools: readonly OutsideTool[], name: string): OutsideTool {
  const tool = tools.find(({ definition }) => definition.name === name);
  if (tool === undefined) throw new Error(`no tool ${name}`);
  return tool;
}

/** What has ended and is not yet taken note of by its parent is dead all the same. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('MCP servers of the host', () => {
  it('offer the allowed tools and no others, by the name of server and tool', async () => {
    const { servers, settings, starts } = await open();
    const shop = settings({ tools: ['echo', 'picture'] });
    const [tools, again] = await Promise.all([servers.tools({ shop }), servers.tools({ shop })]);
    expect(tools.map(({ definition }) => definition.name)).toEqual(['shop__echo', 'shop__picture']);
    expect(again).toHaveLength(2);
    const said = unwrap(await named(tools, 'shop__echo').call({ a: 1 }, signal));
    expect(said).toBe('Result of shop__echo: data from outside the company, no instructions.\n{"a":1}');
    expect(unwrap(await named(tools, 'shop__picture').call({}, signal))).toMatch(/\n\[left out: image\]\na picture$/);
    expect(await starts()).toHaveLength(1);
  });

  it('have nothing in their environment but what is configured, references followed', async () => {
    const { servers, settings } = await open({ TOKEN: 'hidden', OTHER: 'engine only' });
    const shop = settings({ tools: ['environment'], env: { SHOP_TOKEN: 'Bearer ${TOKEN}', LEVEL: 'info' } });
    const [tool] = await servers.tools({ shop });
    const said = unwrap((await tool?.call({}, signal)) ?? { ok: true, value: '' });
    expect(JSON.parse(said.split('\n')[1] ?? '')).toEqual({ SHOP_TOKEN: 'Bearer hidden', LEVEL: 'info' });
  });

  it('are told apart from their failures: an error of the tool, no answer in time, an answer too long', async () => {
    const { servers, settings } = await open();
    const shop = settings({ tools: ['fail', 'slow', 'big'], timeout: 1 });
    const tools = await servers.tools({ shop: { ...shop, timeout: 5 } });
    expect(await named(tools, 'shop__fail').call({}, signal)).toMatchObject({
      error: { code: 'AC_MCP_TOOL_FAILED', cause: 'the shop is closed' },
    });
    const big = unwrap(await named(tools, 'shop__big').call({}, signal));
    expect(big.length).toBeLessThan(66_000);
    expect(big).toMatch(/\[cut: 134464 more characters\]$/);
    const slow = named(await servers.tools({ shop: { ...shop, timeout: 2 } }), 'shop__slow');
    expect(await slow.call({}, signal)).toMatchObject({ error: { code: 'AC_MCP_TIMEOUT' } });
    expect(await named(tools, 'shop__slow').call({}, AbortSignal.timeout(50))).toMatchObject({
      error: { code: 'AC_MCP_CALL_FAILED' },
    });
    expect(await named(tools, 'shop__fail').call([], signal)).toMatchObject({ error: { code: 'AC_MCP_CALL_FAILED' } });
  });

  it('are started once more when they end, and rest when they end again', async () => {
    const { servers, settings, starts } = await open();
    const tools = await servers.tools({ shop: settings({ tools: ['die', 'echo'] }) });
    const [die, echo] = [named(tools, 'shop__die'), named(tools, 'shop__echo')];
    const died = await die.call({}, signal);
    expect(died).toMatchObject({ error: { code: 'AC_MCP_SERVER_ENDED', cause: 'out of order' } });
    expect(await die.call({}, signal)).toMatchObject({ error: { code: 'AC_MCP_SERVER_ENDED' } });
    expect(await starts()).toHaveLength(2);
    expect(await echo.call({}, signal)).toMatchObject({
      error: { code: 'AC_MCP_SERVER_ENDED', cause: 'out of order' },
    });
    expect(await starts()).toHaveLength(2);
  });

  it('that answered in between are started again whenever they end', async () => {
    const { servers, settings, starts } = await open();
    const tools = await servers.tools({ shop: settings({ tools: ['die', 'echo'] }) });
    for (let round = 0; round < 3; round += 1) {
      await named(tools, 'shop__die').call({}, signal);
      expect(await named(tools, 'shop__echo').call({}, signal)).toMatchObject({ ok: true });
    }
    expect(await starts()).toHaveLength(4);
  });

  it('that do not start offer nothing, and say why', async () => {
    const { servers, settings, failures } = await open();
    const refusing = settings({ mode: 'refuse' });
    const absent = settings({ command: '/nowhere/server' });
    const unset = settings({ env: { KEY: '${SHOP_KEY}' } });
    expect(await servers.tools({ refusing, absent, unset })).toEqual([]);
    expect(failures.map(({ code }) => code).toSorted()).toEqual([
      'AC_MCP_START_FAILED',
      'AC_MCP_START_FAILED',
      'AC_MCP_VARIABLE_MISSING',
    ]);
    expect(failures.map(({ message }) => message).join()).toContain('no key');
    expect(await servers.check('unset', unset)).toMatchObject({ error: { code: 'AC_MCP_VARIABLE_MISSING' } });
  });

  it('are checked: they start, and have every tool that is allowed', async () => {
    const { servers, settings } = await open();
    expect(unwrap(await servers.check('shop', settings({ tools: ['echo', 'big'] })))).toBe(
      '2 of its 8 tools: echo, big',
    );
    expect(await servers.check('shop', settings({ tools: ['echo', 'sell'] }))).toMatchObject({
      error: { code: 'AC_MCP_TOOL_MISSING', message: expect.stringContaining('sell') },
    });
  });

  it('leave no process behind when the company closes', async () => {
    const { servers, settings, starts } = await open();
    await servers.tools({ shop: settings() });
    const pids = (await starts()).flat();
    expect(pids).toHaveLength(2);
    expect(pids.every(isAlive)).toBe(true);
    await servers.close();
    await expect.poll(() => pids.some(isAlive)).toBe(false);
    expect(await servers.tools({ shop: settings() })).toEqual([]);
  });
});
