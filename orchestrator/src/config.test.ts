import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { unwrap, type Result } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { loadConfig, memoryBytes, type Environment, type LoadedConfig } from './config.ts';

interface Given {
  readonly file?: unknown;
  /** Names below the folder of the bus. */
  readonly store?: readonly string[];
  readonly environment?: Environment;
  readonly project?: Record<string, unknown>;
  readonly flags?: Record<string, unknown>;
}

function load(given: Given): Result<LoadedConfig> {
  const folder = mkdtempSync(path.join(tmpdir(), 'config-'));
  const [configFile, busFolder] = [path.join(folder, 'config.json'), path.join(folder, 'bus')];
  for (const name of given.store ?? []) mkdirSync(path.join(busFolder, name), { recursive: true });
  if (given.file !== undefined)
    writeFileSync(configFile, typeof given.file === 'string' ? given.file : JSON.stringify(given.file));
  return loadConfig({
    home: { configFile, busFolder },
    environment: given.environment ?? {},
    project: given.project ?? {},
    flags: given.flags ?? {},
  });
}

function refusal(given: Given): { readonly code: string; readonly message: string; readonly remedy: string } {
  const result = load(given);
  if (result.ok) throw new Error('was accepted');
  return result.error;
}

describe('loadConfig', () => {
  it('C1 gives the defaults where there is no file', () => {
    const { config, sources, warnings } = unwrap(load({}));
    expect(config).toMatchObject({
      max_workers: 3,
      worker_memory_limit: '2g',
      worker_cpus: 2,
      command_timeout: 300,
      ai_adapter: 'ollama',
      container_runtime: 'dod',
      message_queue: 'file',
      max_attempts: 3,
      max_review_rounds: 3,
      max_deliveries: 20,
      lease_ms: 60_000,
      on_failure: 'stop',
      approvals: { plan: 'auto', protected_paths: 'person' },
    });
    expect(new Set(Object.values(sources))).toEqual(new Set(['default']));
    expect(warnings).toEqual([]);
  });

  it('C1 goes on with the database of an older home until something else is said', () => {
    const queueOf = (given: Given): string => unwrap(load(given)).config.message_queue;
    expect(queueOf({ store: ['bus.db'] })).toBe('sqlite');
    expect(queueOf({ store: ['bus.db'], file: { message_queue: 'file' } })).toBe('file');
    expect(queueOf({ store: ['bus.db', 'journal'] })).toBe('file');
  });

  it('C1 merges a partial file, snake_case and camelCase alike', () => {
    const { config, sources } = unwrap(
      load({ file: { maxWorkers: 5, command_timeout: 60, approvals: { protectedPaths: 'refuse' } } }),
    );
    expect([config.max_workers, config.command_timeout, config.max_attempts]).toEqual([5, 60, 3]);
    expect(config.approvals).toEqual({ plan: 'auto', protected_paths: 'refuse' });
    expect([sources.max_workers, sources.approvals, sources.max_attempts]).toEqual(['file', 'file', 'default']);
  });

  it('C1 refuses an unknown key by name and offers the nearest', () => {
    expect(refusal({ file: { max_worker: 2 } })).toMatchObject({
      code: 'AC_CONFIG_UNKNOWN_KEY',
      message: 'unknown configuration key max_worker, did you mean max_workers?',
    });
    expect(refusal({ file: { approvals: { plans: 'auto' } } }).message).toContain('approvals.plans: unknown key');
  });

  it('C1 flag beats environment beats project beats file beats default', () => {
    const layers = {
      file: { max_attempts: 4 },
      project: { max_attempts: 5 },
      environment: { AGENTCOMPANY_MAX_ATTEMPTS: '6' },
      flags: { maxAttempts: 7 },
    };
    const seen = [
      layers,
      { ...layers, flags: {} },
      { ...layers, flags: {}, environment: {} },
      { file: layers.file },
    ].map((given) => {
      const { config, sources } = unwrap(load(given));
      return [config.max_attempts, sources.max_attempts];
    });
    expect(seen).toEqual([
      [7, 'flag'],
      [6, 'environment'],
      [5, 'project'],
      [4, 'file'],
    ]);
  });

  it('reads lists and objects from the environment and warns of unknown variables', () => {
    const environment = {
      AGENTCOMPANY_EGRESS_ALLOW: '["registry.example.org"]',
      AGENTCOMPANY_MODEL: '7',
      AGENTCOMPANY_MAX_WORKER: '1',
      AGENTCOMPANY_HOME: '/x',
    };
    const { config, warnings } = unwrap(load({ environment }));
    expect(config.egress_allow).toEqual(['registry.example.org']);
    expect(config.model).toBe('7');
    expect(warnings).toEqual([
      'AGENTCOMPANY_MAX_WORKER is not a configuration key and is ignored, did you mean max_workers?',
    ]);
  });

  it('resolves references to the environment and names one that is not set', () => {
    const environment = { MODEL_NAME: 'small', WORKERS: '4' };
    const { config } = unwrap(load({ file: { model: 'the-${MODEL_NAME}', max_workers: '${WORKERS}' }, environment }));
    expect([config.model, config.max_workers]).toEqual(['the-small', 4]);
    expect(refusal({ file: { model: '${ABSENT}' } }).message).toBe(
      'the configuration is not valid: model: the variable ABSENT is not set',
    );
  });

  it.each([
    ['container_runtime', 'lxc', 'one of dod, rootless, dind is expected'],
    ['container_runtime', 'dind', 'dind only with allow_dind'],
    ['message_queue', 'kafka', 'one of file, sqlite, redis is expected'],
    ['message_queue', 'mail', 'mail is not in this version; available: file, sqlite, redis'],
    ['message_queue', null, 'one of file, sqlite, redis is expected'],
    ['redis_url', 'http://localhost', 'an address such as redis://host:6379 is expected'],
    ['retention_days', 0, 'retention_days'],
    ['progress_retention_days', -1, 'progress_retention_days'],
    ['max_workers', 0, 'max_workers'],
    ['local_workers', 'no', 'local_workers'],
    ['api', { certificate_file: '/a.pem' }, 'certificate_file and key_file are given together'],
    ['max_workers', -1, 'max_workers'],
    ['max_workers', null, 'max_workers'],
    ['command_timeout', 0, 'command_timeout'],
    ['command_timeout', 1.5, 'command_timeout'],
    ['worker_memory_limit', 'much', 'a size such as'],
    ['approvals', { plan: 'nobody' }, 'approvals.plan'],
    ['version', 2, 'a later AgentCompany may have written this file'],
  ])('C2 refuses %s %j naming the field', (key, value, text) => {
    const error = refusal({ file: { [key]: value } });
    expect(error.code).toBe('AC_CONFIG_INVALID');
    expect(error.message).toContain(key);
    expect(error.message).toContain(text);
    expect(error.remedy).toContain('config.json');
  });

  it('C14 refuses a company without workers, wherever that stands', () => {
    for (const given of [
      { file: { max_workers: 0 } },
      { environment: { AGENTCOMPANY_MAX_WORKERS: '0' } },
      { flags: { max_workers: 0 } },
    ])
      expect(refusal(given).message).toContain('max_workers');
  });

  it('names the variable a bad value came from', () => {
    expect(refusal({ environment: { AGENTCOMPANY_MAX_WORKERS: 'many' } }).remedy).toContain('AGENTCOMPANY_MAX_WORKERS');
  });

  it('C2 repeats no part of a bad redis_url: it may hold a password', () => {
    const error = refusal({ file: { redis_url: 'redis:/:${SECRET}@host' }, environment: { SECRET: 'hunter2' } });
    expect(error.message).toContain('redis_url');
    expect(JSON.stringify(error)).not.toContain('hunter2');
  });

  it('C1 reads the server and its password from the environment', () => {
    const environment = { AGENTCOMPANY_MESSAGE_QUEUE: 'redis', SECRET: 'hunter2' };
    const { config } = unwrap(load({ file: { redis_url: 'rediss://:${SECRET}@host:6380/2' }, environment }));
    expect([config.message_queue, config.redis_url]).toEqual(['redis', 'rediss://:hunter2@host:6380/2']);
  });

  it('C2 takes dind only with the opt-in, and warns of opt-ins', () => {
    expect(refusal({ file: { container_runtime: 'dind' } }).message).toContain('dind only with allow_dind: true');
    const chosen = unwrap(load({ file: { container_runtime: 'dind', allow_dind: true } }));
    expect(chosen.config.container_runtime).toBe('dind');
    expect(chosen.warnings).toEqual([expect.stringContaining('weakens the isolation')]);
    const { warnings } = unwrap(load({ file: { allow_dind: true, allow_ssh_agent: true } }));
    expect(warnings).toEqual([expect.stringContaining('allow_dind'), expect.stringContaining('allow_ssh_agent')]);
  });

  it('lets a project settle only what concerns its runs', () => {
    expect(refusal({ project: { message_queue: 'sqlite' } }).code).toBe('AC_CONFIG_UNKNOWN_KEY');
  });

  it('refuses a file that is not a JSON object', () => {
    expect(refusal({ file: '{' }).code).toBe('AC_CONFIG_UNREADABLE');
    expect(refusal({ file: '[]' }).code).toBe('AC_CONFIG_UNREADABLE');
    expect(refusal({ file: '{"__proto__": {"max_workers": 1}}' }).code).toBe('AC_CONFIG_UNKNOWN_KEY');
  });

  const tracker = { command: 'tracker', tools: ['get_issue'] };
  const withServers = (mcp_servers: unknown) => ({ file: JSON.stringify({ mcp_servers }) });

  it('takes MCP servers, their names and variables as they are written, and follows no reference of theirs', () => {
    const env = { trackerToken: '${TRACKER_TOKEN}', LEVEL: 'info' };
    const { config } = unwrap(load({ ...withServers({ tracker: { ...tracker, env } }), environment: {} }));
    expect(config.mcp_servers).toEqual({ tracker: { ...tracker, env, args: [], timeout: 60 } });
  });

  it('lets a project have servers of its own beside those of the company', () => {
    const project = { mcp_servers: { wiki: tracker, tracker: { ...tracker, timeout: 5 } } };
    const { config } = unwrap(load({ ...withServers({ tracker }), project }));
    expect(Object.keys(config.mcp_servers)).toEqual(['tracker', 'wiki']);
    expect(config.mcp_servers['tracker']?.timeout).toBe(5);
  });

  it.each([
    ['a name that is none', { 'Tracker One': tracker }, /Tracker One/],
    ['a reference in an argument', { tracker: { ...tracker, args: ['--key=${KEY}'] } }, /belongs into `env`/],
    ['a reference in the command', { tracker: { ...tracker, command: '${HOME}/x' } }, /belongs into `env`/],
    ['no tool', { tracker: { ...tracker, tools: [] } }, /tools/],
    ['a tool no model can name', { tracker: { ...tracker, tools: ['get issue'] } }, /letters, digits/],
    ['a name too long together', { ['t'.repeat(20)]: { ...tracker, tools: ['x'.repeat(50)] } }, /longer than the 64/],
    ['a variable that is none', { tracker: { ...tracker, env: { 'A-B': '' } } }, /name of a variable/],
    ['an unknown key', { tracker: { ...tracker, url: 'http://x' } }, /url/],
  ])('refuses an MCP server with %s', (_, servers, problem) => {
    const error = refusal(withServers(servers));
    expect(error.code).toBe('AC_CONFIG_INVALID');
    expect(error.message).toMatch(problem);
  });

  it('freezes the configuration to its leaves', () => {
    const { config } = unwrap(load({}));
    expect([config, config.approvals, config.egress_allow].every(Object.isFrozen)).toBe(true);
  });

  it('is documented key by key with its default', () => {
    const page = readFileSync(path.join(import.meta.dirname, '../../docs/configuration.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `(\w+)` \| `(.*?)` \|/gm)].map(([, key = '', value = '']) => [
      key,
      JSON.parse(value),
    ]);
    expect(Object.fromEntries(rows)).toEqual(unwrap(load({})).config);
  });

  it('counts memory in powers of 1024', () => {
    expect(['100', '1k', '512m', '2G'].map(memoryBytes)).toEqual([100, 1024, 536_870_912, 2_147_483_648]);
  });
});
