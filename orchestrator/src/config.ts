import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import type { z } from 'zod';
import type { CompanyHome } from './company-home.ts';
import { configKeys, configSchema, policyKeys, type Config, type ConfigKey } from './config-schema.ts';
import { egressSettingsOf } from './egress-config.ts';
import { orchestratorErrors as errors } from './errors.ts';
import { suggestion } from './suggestion.ts';

export { memoryBytes, type Config, type ConfigKey } from './config-schema.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
export type ConfigSource = 'default' | 'file' | 'project' | 'environment' | 'flag';
type Values = Record<string, unknown>;

/** One place values come from, the weaker first. `label` is how messages name it. */
interface Layer {
  readonly source: ConfigSource;
  readonly label: (key: string) => string;
  readonly values: Values;
}

export interface LoadConfigOptions {
  readonly home: Pick<CompanyHome, 'busFolder' | 'configFile'>;
  readonly environment: Environment;
  /** `policy` of the project, where a run's settings are asked for. */
  readonly project?: Values;
  readonly flags?: Values;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly sources: Readonly<Record<ConfigKey, ConfigSource>>;
  readonly warnings: readonly string[];
}

/** A copy of the environment of this process: the only place in the orchestrator that reads it. */
export function processEnvironment(): Environment {
  return { ...process.env };
}

const prefix = 'AGENTCOMPANY_';
/** Variables that are no configuration keys. */
const otherVariables = new Set(['AGENTCOMPANY_HOME', 'AGENTCOMPANY_HOST_TOKEN']);

/** `maxWorkers` -> `max_workers`; what is snake_case already stays. */
function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function isRecord(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function respell(values: Values): Values {
  const entries = Object.entries(values).map(([key, value]): readonly [string, unknown] => {
    const name = snakeCase(key);
    if (!isRecord(value) || name === 'env') return [name, value];
    return [name, name === 'mcp_servers' ? respellEach(value) : respell(value)];
  });
  return Object.fromEntries(entries);
}

/** What has names of its own: those are kept as they are. */
function respellEach(values: Values): Values {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, isRecord(value) ? respell(value) : value]),
  );
}

function readConfigFile(file: string): Result<Values> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return success({});
    return failure(errors.AC_CONFIG_UNREADABLE({ file }, cause));
  }
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value)) return success(respell(value));
    return failure(errors.AC_CONFIG_UNREADABLE({ file }, 'an object is expected'));
  } catch (cause) {
    return failure(errors.AC_CONFIG_UNREADABLE({ file }, cause));
  }
}

/** The text of a variable as the value the key expects: numbers, booleans, lists and objects are JSON, all else is the text itself. */
function fromText(text: string, key: string): unknown {
  const schema = Object.hasOwn(configSchema.shape, key) ? configSchema.shape[key as ConfigKey] : undefined;
  if (schema === undefined || schema.safeParse(text).success) return text;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? respell(value) : value;
  } catch {
    return text;
  }
}

function readEnvironment(environment: Environment): { readonly values: Values; readonly warnings: readonly string[] } {
  const values: Values = {};
  const warnings: string[] = [];
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(prefix) || text === undefined || otherVariables.has(name)) continue;
    const key = name.slice(prefix.length).toLowerCase();
    if ((configKeys as readonly string[]).includes(key)) values[key] = fromText(text, key);
    else warnings.push(`${name} is not a configuration key and is ignored${suggestion(key, configKeys)}`);
  }
  return { values, warnings };
}

class UnknownReference extends Error {
  constructor(variable: string) {
    super(`the variable ${variable} is not set`);
  }
}

/** Secrets: their references are followed where they are used, so that no secret is ever part of the configuration. In the others a
 * reference is refused: what a process is started with can be seen by all. */
const keptReferences: ReadonlySet<string> = new Set(['api_key', 'env', 'command', 'args']);

/** Replaces `${NAME}` in every text below `value`; a text that is one reference alone may stand for a number or a boolean. */
function resolveReferences(value: unknown, key: string, environment: Environment): unknown {
  if (keptReferences.has(key)) return value;
  if (Array.isArray(value)) return value.map((item) => resolveReferences(item, key, environment));
  if (isRecord(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, resolveReferences(item, name, environment)]),
    );
  if (typeof value !== 'string' || !value.includes('${')) return value;
  const resolved = value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => {
    const text = environment[name];
    if (text === undefined) throw new UnknownReference(name);
    return text;
  });
  return fromText(resolved, key);
}

function checkKeys(layer: Layer): Result<undefined> {
  const allowed: readonly string[] = layer.source === 'project' ? policyKeys : configKeys;
  const unknown = Object.keys(layer.values).find((key) => !allowed.includes(key));
  if (unknown === undefined) return success();
  return failure(
    errors.AC_CONFIG_UNKNOWN_KEY({
      key: unknown,
      suggestion: suggestion(unknown, allowed),
      source: layer.label(unknown),
    }),
  );
}

function resolveLayer(layer: Layer, environment: Environment): Result<Layer> {
  const known = checkKeys(layer);
  if (!known.ok) return known;
  const values: Values = {};
  for (const [key, value] of Object.entries(layer.values)) {
    try {
      values[key] = resolveReferences(value, key, environment);
    } catch (cause) {
      if (!(cause instanceof UnknownReference)) throw cause;
      return failure(errors.AC_CONFIG_INVALID({ field: key, problem: cause.message, source: layer.label(key) }));
    }
  }
  return success({ ...layer, values });
}

/** Later layers win key by key; the parts of `approvals`, `api`, `models` and `mcp_servers` are joined one level deep. */
function join(layers: readonly Layer[]): { readonly values: Values; readonly origin: ReadonlyMap<string, Layer> } {
  const values: Values = {};
  const origin = new Map<string, Layer>();
  for (const layer of layers) {
    for (const [key, value] of Object.entries(layer.values)) {
      const before = values[key];
      values[key] = isRecord(value) && isRecord(before) ? { ...before, ...value } : value;
      origin.set(key, layer);
    }
  }
  return { values, origin };
}

function describeIssue(issue: z.core.$ZodIssue): { readonly field: string; readonly problem: string } {
  const field = issue.path.join('.');
  if (issue.code === 'invalid_key') return { field, problem: issue.issues[0]?.message ?? issue.message };
  if (issue.code !== 'unrecognized_keys') return { field, problem: issue.message };
  return { field: [...issue.path, issue.keys[0]].join('.'), problem: 'unknown key' };
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}

function safetyWarnings(config: Config): string[] {
  const warnings: string[] = [];
  if (config.allow_dind)
    warnings.push(
      'allow_dind is on: docker-in-docker weakens the isolation of workers; who breaks out of one is root beside every device of this machine',
    );
  if (config.allow_ssh_agent) warnings.push('allow_ssh_agent is on: git may use every key of your ssh agent');
  if (config.accept_no_limits)
    warnings.push('accept_no_limits is on: a worker may take all memory and processors of this machine');
  if (config.accept_volatile)
    warnings.push('accept_volatile is on: what was acknowledged can be lost with the message store');
  const opaque = (egressSettingsOf(config)?.allow ?? []).filter(({ inspect }) => !inspect).map(({ host }) => host);
  if (opaque.length > 0)
    warnings.push(
      `egress_allow opens ${opaque.join(', ')} without inspection: what workers send there is seen by nobody`,
    );
  return warnings;
}

/** A home whose envelopes lie in a database and that has no journal goes on with it where nothing else is said. */
function storeOfOlderHome({ busFolder }: Pick<CompanyHome, 'busFolder'>): Values {
  const isOlder = existsSync(path.join(busFolder, 'bus.db')) && !existsSync(path.join(busFolder, 'journal'));
  return isOlder ? { message_queue: 'sqlite' } : {};
}

/** `dind` lowers the wall around workers, so it is refused without its opt-in before anything else is said of it (C2). */
function checkDind(values: Values, origin: ReadonlyMap<string, Layer>): Result<undefined> {
  if (values['container_runtime'] !== 'dind' || values['allow_dind'] === true) return success();
  const source = origin.get('container_runtime')?.label('container_runtime') ?? '';
  return failure(
    errors.AC_CONFIG_INVALID({
      field: 'container_runtime',
      problem: 'dind only with allow_dind: true, for it weakens the isolation of workers',
      source,
    }),
  );
}

/**
 * Reads the configuration: flag > `AGENTCOMPANY_*` > project > file > default (DESIGN §8). Keys are snake_case or camelCase;
 * texts may hold `${NAME}` references to the environment. The result is frozen to its leaves; `sources` says where each key came from.
 * Errors: `AC_CONFIG_UNREADABLE`, `AC_CONFIG_UNKNOWN_KEY` with the nearest known key, `AC_CONFIG_INVALID` naming field and source.
 */
export function loadConfig(options: LoadConfigOptions): Result<LoadedConfig> {
  const file = readConfigFile(options.home.configFile);
  if (!file.ok) return file;
  const variables = readEnvironment(options.environment);
  const layers: readonly Layer[] = [
    { source: 'default', label: () => options.home.busFolder, values: storeOfOlderHome(options.home) },
    { source: 'file', label: () => options.home.configFile, values: file.value },
    { source: 'project', label: () => 'the policy of the project', values: respell(options.project ?? {}) },
    { source: 'environment', label: (key) => prefix + key.toUpperCase(), values: variables.values },
    { source: 'flag', label: (key) => `--${key.replaceAll('_', '-')}`, values: respell(options.flags ?? {}) },
  ];
  const resolved: Layer[] = [];
  for (const layer of layers) {
    const result = resolveLayer(layer, options.environment);
    if (!result.ok) return result;
    resolved.push(result.value);
  }
  const { values, origin } = join(resolved);
  const dind = checkDind(values, origin);
  if (!dind.ok) return dind;
  const parsed = configSchema.safeParse(values);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const { field, problem } = issue === undefined ? { field: '', problem: 'unknown problem' } : describeIssue(issue);
    const key = field.split('.')[0] ?? '';
    return failure(
      errors.AC_CONFIG_INVALID({ field, problem, source: origin.get(key)?.label(key) ?? options.home.configFile }),
    );
  }
  const config: Config = deepFreeze(parsed.data);
  const sources = Object.fromEntries(configKeys.map((key) => [key, origin.get(key)?.source ?? 'default'])) as Record<
    ConfigKey,
    ConfigSource
  >;
  return success({ config, sources, warnings: [...variables.warnings, ...safetyWarnings(config)] });
}
