import { dirname, resolve } from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import type { CompanyHome } from './company-home.ts';
import type { Config, Environment } from './config.ts';
import { createModel, type Candidate, type Persistence } from './models/call-model.ts';
import { modelErrors as errors } from './models/errors.ts';
import type { Model, ModelProvider, ProviderName } from './models/model.ts';
import type { Recording } from './models/recorded/recording.ts';
import { resolveModel, type ModelName } from './models/resolve-model.ts';
import type { Connection } from './models/transport.ts';

export interface ModelsOptions {
  readonly home: Pick<CompanyHome, 'configFile'>;
  readonly config: Pick<Config, 'ai_adapter' | 'model' | 'fallback_model' | 'models'>;
  readonly environment: Environment;
  /** Answers in the place of every provider. */
  readonly recording?: Recording;
  /** 1, 2 and 4 seconds between tries where absent. */
  readonly persistence?: Persistence;
}

const ordinaryPersistence: Persistence = { retryDelaysMs: [1000, 2000, 4000] };

const ownAddresses = {
  anthropic: 'https://api.anthropic.com',
  openai: 'https://api.openai.com/v1',
  gemini: 'https://generativelanguage.googleapis.com',
} as const;

/** Where a provider is and where its key is found. */
export interface ProviderPlace {
  readonly baseUrl: string | null;
  /** The address is not the provider's own. */
  readonly compatible: boolean;
  /** The environment variable of the key; null: it wants none. */
  readonly variable: string | null;
}

/** What the configuration says of a provider. */
export function providerPlace(config: ModelsOptions['config'], provider: ProviderName): ProviderPlace {
  if (provider === 'scripted') return { baseUrl: null, compatible: false, variable: null };
  const { base_url: given, api_key: reference } = config.models[provider];
  const variable = reference === null ? null : reference.slice(2, -1);
  if (provider === 'ollama') return { baseUrl: given, compatible: true, variable };
  return { baseUrl: given ?? ownAddresses[provider], compatible: given !== null, variable };
}

/** The model a name means here. Errors: `AC_MODEL_NOT_CONFIGURED` for none, `AC_MODEL_NAME_UNKNOWN`. */
export function nameModel({ config }: Pick<ModelsOptions, 'config'>, name: string | null): Result<ModelName> {
  if (name === null) return failure(errors.AC_MODEL_NOT_CONFIGURED());
  const adapter = config.ai_adapter;
  return resolveModel(name, adapter, providerPlace(config, adapter).compatible);
}

/**
 * The company's model with its fallback, or the named one alone. Nothing is sent yet; the SDK of its provider is loaded here.
 * Errors: those of `nameModel`, `AC_MODEL_KEY_MISSING`, `AC_MODEL_KEY_MALFORMED`, `AC_MODEL_ADDRESS_UNSAFE`, `AC_MODEL_SCRIPT_UNREADABLE` where no file is named.
 */
export async function openModel(options: ModelsOptions, name?: string): Promise<Result<Model>> {
  const first = await openCandidate(options, name ?? options.config.model);
  if (!first.ok) return first;
  const wantsFallback = name === undefined && options.config.fallback_model !== null;
  const fallback = wantsFallback ? await openCandidate(options, options.config.fallback_model) : success(null);
  if (!fallback.ok) return fallback;
  return success(createModel(first.value, fallback.value, options.persistence ?? ordinaryPersistence));
}

async function openCandidate(options: ModelsOptions, asked: string | null): Promise<Result<Candidate>> {
  const name = nameModel(options, asked);
  if (!name.ok) return name;
  const provider = await openProvider(options, name.value.provider);
  if (!provider.ok) return provider;
  const costOf = await openCost(options.config, name.value);
  return success({ provider: provider.value, name: name.value.model, costOf });
}

/** The price table is large: it is loaded with the first model. */
export async function openCost(config: ModelsOptions['config'], name: ModelName): Promise<Candidate['costOf']> {
  const { openPrice } = await import('./models/prices/price-of.ts');
  const { baseUrl, compatible } = providerPlace(config, name.provider);
  return openPrice(name, config.models.prices, { compatible, local: baseUrl !== null && isLoopback(baseUrl) });
}

async function openProvider(options: ModelsOptions, provider: ProviderName): Promise<Result<ModelProvider>> {
  if (options.recording !== undefined) return openRecordedProvider(provider, options.recording);
  if (provider === 'scripted') return openScriptedProvider(options);
  const connection = connect(options, provider);
  return connection.ok ? success(await openConnected(provider, connection.value)) : connection;
}

async function openConnected(
  provider: Exclude<ProviderName, 'scripted'>,
  connection: Connection,
): Promise<ModelProvider> {
  switch (provider) {
    case 'anthropic':
      return (await import('./models/anthropic/open-anthropic.ts')).openAnthropic(connection);
    case 'openai':
      return (await import('./models/openai/open-openai.ts')).openOpenai(connection);
    case 'gemini':
      return (await import('./models/gemini/open-gemini.ts')).openGemini(connection);
    case 'ollama':
      return (await import('./models/ollama/open-ollama.ts')).openOllama(connection);
  }
}

/** Nobody is asked: the address and the key are there for the form. */
async function openRecordedProvider(provider: ProviderName, recording: Recording): Promise<Result<ModelProvider>> {
  const { openRecorded } = await import('./models/recorded/open-recorded.ts');
  const nowhere: Connection = { provider, baseUrl: 'http://127.0.0.1:9', key: 'recorded', variable: '' };
  const { openScripted } = await import('./models/scripted/open-scripted.ts');
  const original = provider === 'scripted' ? openScripted('') : await openConnected(provider, nowhere);
  return success(openRecorded(original, recording));
}

async function openScriptedProvider({ home, config }: ModelsOptions): Promise<Result<ModelProvider>> {
  const { file } = config.models.scripted;
  if (file === null) {
    const problem = 'models.scripted.file is not set';
    return failure(errors.AC_MODEL_SCRIPT_UNREADABLE({ file: '(none)', problem }));
  }
  const { openScripted } = await import('./models/scripted/open-scripted.ts');
  return success(openScripted(resolve(dirname(home.configFile), file)));
}

function connect({ config, environment }: ModelsOptions, provider: ProviderName): Result<Connection> {
  const { baseUrl, variable } = providerPlace(config, provider);
  const url = baseUrl ?? '';
  const key = variable === null ? null : environment[variable]?.trim();
  if (key === undefined || key === '')
    return failure(errors.AC_MODEL_KEY_MISSING({ provider, variable: variable ?? '' }));
  // A header could not carry it, and the library's complaint would show it.
  if (key !== null && !/^[\x21-\x7e]+$/.test(key))
    return failure(errors.AC_MODEL_KEY_MALFORMED({ provider, variable: variable ?? '' }));
  if (key !== null && url.startsWith('http:') && !isLoopback(url))
    return failure(errors.AC_MODEL_ADDRESS_UNSAFE({ provider, url }));
  return success({ provider, baseUrl: url, key, variable: variable ?? 'an environment variable' });
}

function isLoopback(url: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(new URL(url).hostname);
}
