import { calcPrice } from '@pydantic/genai-prices';
import type { ModelName } from '../resolve-model.ts';
import type { Usage } from '../model.ts';

/** US dollars per million tokens, as the company's configuration may give them. */
export interface GivenPrice {
  readonly model: string;
  readonly input: number;
  readonly output: number;
  readonly cache_read?: number | undefined;
  readonly cache_write?: number | undefined;
}

/** US dollars of the tokens of one call; null: unpriced. */
export type PriceOf = (usage: Usage) => number | null;

/** How the price table calls the providers whose prices it may be asked for. */
const tableNames: Readonly<Record<string, string>> = { anthropic: 'anthropic', openai: 'openai', gemini: 'google' };

export interface Circumstances {
  /** The provider's address was changed to that of a compatible server, which has prices of its own. */
  readonly compatible: boolean;
  /** The server is this machine. */
  readonly local: boolean;
}

/**
 * What calls of a model cost: what the configuration says, else nothing for a model of this machine and for scripted replies,
 * else the price table that comes with the product (never fetched). What none of them knows is unpriced, never free.
 */
export function openPrice({ provider, model }: ModelName, given: readonly GivenPrice[], where: Circumstances): PriceOf {
  const own = given.find((price) => price.model === model);
  if (own !== undefined) return (usage) => givenCost(own, usage);
  if (provider === 'scripted') return () => 0;
  // Models with this ending are run by ollama's own service, whichever server passes the call on.
  if (provider === 'ollama') return () => (where.local && !/[:-]cloud$/.test(model) ? 0 : null);
  const providerId = tableNames[provider];
  if (providerId === undefined || (provider === 'openai' && where.compatible)) return () => null;
  return (usage) => tableCost(usage, model, providerId);
}

function givenCost(price: GivenPrice, usage: Usage): number {
  const cacheRead = usage.cache_read * (price.cache_read ?? price.input);
  const cacheWrite = usage.cache_write * (price.cache_write ?? price.input);
  return (usage.input * price.input + usage.output * price.output + cacheRead + cacheWrite) / 1_000_000;
}

function tableCost(usage: Usage, model: string, providerId: string): number | null {
  const { input, output, cache_read, cache_write } = usage;
  const all = { input_tokens: input + cache_read + cache_write, output_tokens: output, cache_read_tokens: cache_read };
  const tokens = cache_write === 0 ? all : { ...all, cache_write_tokens: cache_write };
  return calcPrice(tokens, model, { providerId })?.total_price ?? null;
}
