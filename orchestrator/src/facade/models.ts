import { failure, success, type Result } from '@agentcompany/protocol';
import { modelFamilies } from '../models/resolve-model.ts';
import {
  noUsage,
  providerNames,
  type CallOptions,
  type CallRecord,
  type Model,
  type ModelRequest,
  type ProviderName,
  type Usage,
} from '../models/model.ts';
import { nameModel, openCost, openModel, providerPlace, type ModelsOptions } from '../open-models.ts';

export { estimatePlan, type PlanEstimate } from './estimate-plan.ts';

export interface ProviderReport {
  readonly provider: ProviderName;
  readonly base_url: string | null;
  /** `none`: it wants no key. Never the key itself. */
  readonly key: 'set' | 'missing' | 'none';
  readonly variable: string | null;
}

export interface ModelReport {
  /** How the configuration or a person says it. */
  readonly name: string;
  readonly role: 'model' | 'fallback_model' | 'family';
  readonly provider: ProviderName;
  readonly model: string;
  /** US dollars per million tokens at the lowest tier; null: unpriced. */
  readonly prices: Readonly<Record<keyof Usage, number>> | null;
}

export interface ModelsReport {
  readonly providers: readonly ProviderReport[];
  readonly models: readonly ModelReport[];
}

/** What the company knows of models; nothing is sent. Error: `AC_MODEL_NAME_UNKNOWN` for a configured name that means nothing. */
export async function listModels(options: ModelsOptions): Promise<Result<ModelsReport>> {
  const { config, environment } = options;
  const providers = providerNames.map((provider): ProviderReport => {
    const { baseUrl, variable } = providerPlace(config, provider);
    const isSet = variable !== null && (environment[variable] ?? '').trim() !== '';
    return { provider, base_url: baseUrl, key: variable === null ? 'none' : isSet ? 'set' : 'missing', variable };
  });
  const asked: readonly (readonly [ModelReport['role'], string | null])[] = [
    ['model', config.model],
    ['fallback_model', config.fallback_model],
    ...Object.keys(modelFamilies).map((family) => ['family', family] as const),
  ];
  const models: ModelReport[] = [];
  for (const [role, name] of asked) {
    if (name === null) continue;
    const resolved = nameModel(options, name);
    if (!resolved.ok) return resolved;
    const costOf = await openCost(config, resolved.value);
    models.push({ name, role, ...resolved.value, prices: pricesOf(costOf) });
  }
  return success({ providers, models });
}

/** So few tokens that no tier for long requests applies. */
const sample = 1000;

function pricesOf(costOf: (usage: Usage) => number | null): ModelReport['prices'] {
  const none: Usage = { input: 0, output: 0, cache_read: 0, cache_write: 0 };
  const priceOf = (part: keyof Usage): number | null => {
    const cost = costOf({ ...none, [part]: sample });
    return cost === null ? null : Math.round(cost * (1_000_000 / sample) * 1e6) / 1e6;
  };
  const [input, output, cacheRead, cacheWrite] = (['input', 'output', 'cache_read', 'cache_write'] as const).map(
    priceOf,
  );
  if (typeof input !== 'number' || typeof output !== 'number') return null;
  return { input, output, cache_read: cacheRead ?? input, cache_write: cacheWrite ?? input };
}

export interface ModelTest extends CallRecord {
  readonly text: string;
  /** Milliseconds until the first text, and until the end; null where no text came. */
  readonly first_token_ms: number | null;
  readonly total_ms: number;
}

const testTimeoutMs = 60_000;

const testRequest: ModelRequest = {
  system: '',
  messages: [{ role: 'user', content: [{ type: 'text', text: 'Answer with the single word: ready' }] }],
  tools: [],
  answerSchema: null,
  // Room for models that think before they answer.
  maxOutputTokens: 1024,
  temperature: null,
  cachePrefix: false,
};

/**
 * Makes one tiny call of a model: the named one, else the configured one. Times hold the tries and pauses there were.
 * Errors: those of `openModel` and of a call.
 */
export async function testModel(
  options: ModelsOptions,
  name: string | undefined,
  signal: AbortSignal,
): Promise<Result<ModelTest>> {
  const model = await openModel(options, name);
  return model.ok ? askOnce(model.value, testRequest, { signal, timeoutMs: testTimeoutMs }) : model;
}

/** Makes one request and tells what came of it. Errors: those of a call. */
export async function askOnce(
  model: Model,
  request: ModelRequest,
  options: Pick<CallOptions, 'signal' | 'timeoutMs'>,
): Promise<Result<ModelTest>> {
  const { provider, name: called } = model;
  let call: CallRecord = { provider, model: called, usage: noUsage, cost_usd: null };
  const onCall = (made: CallRecord): void => {
    call = made;
  };
  const start = performance.now();
  const passed = (): number => Math.round(performance.now() - start);
  let text = '';
  let firstToken: number | null = null;
  for await (const event of model.stream(request, { ...options, onCall })) {
    if (event.type === 'failed') return failure(event.error);
    if (event.type !== 'text') continue;
    firstToken ??= passed();
    text += event.text;
  }
  return success({ ...call, text, first_token_ms: firstToken, total_ms: passed() });
}
