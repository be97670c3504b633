import type { Amount } from './purse.ts';
import type { ModelEvent, ModelRequest, Usage } from './model.ts';

/** Tokens that a provider may add to each message or tool for its frame, and to each request for words of its own. */
const framing = { item: 32, request: 2048 } as const;

/** The most a request can take: no token stands for less than a byte of text, and an answer keeps to its limit. */
export function boundOf({ system, messages, tools, answerSchema, maxOutputTokens }: ModelRequest): Usage {
  const bytes = new TextEncoder().encode(JSON.stringify([system, messages, tools, answerSchema])).length;
  const frames = framing.request + framing.item * (messages.length + tools.length);
  return { input: bytes + frames, output: maxOutputTokens, cache_read: 0, cache_write: 0 };
}

/** What usage takes out of a purse. */
export function amountOf(usage: Usage, costOf: (usage: Usage) => number | null): Amount {
  return { usd: costOf(usage), tokens: usage.input + usage.output + usage.cache_read + usage.cache_write };
}

/** What a bound takes out of a purse: writing the cache may cost more than reading without one. */
export function boundAmount(bound: Usage, costOf: (usage: Usage) => number | null): Amount {
  const plain = amountOf(bound, costOf);
  const cached = amountOf({ ...bound, input: 0, cache_write: bound.input }, costOf);
  return plain.usd === null || cached.usd === null ? plain : { ...plain, usd: Math.max(plain.usd, cached.usd) };
}

/** Failures after which the provider may have gone on at our cost. */
const interruptions: ReadonlySet<string> = new Set([
  'AC_MODEL_CUT',
  'AC_MODEL_RUBBISH',
  'AC_MODEL_TIMEOUT',
  'AC_MODEL_ABORTED',
  'AC_MODEL_OUTPUT_TOO_LARGE',
]);

/** What was seen of one request; `last` null: nothing at all. */
export interface Seen {
  readonly usage: Usage | null;
  readonly last: ModelEvent | null;
  readonly handedOut: boolean;
}

/**
 * What a request came to. What its provider did not say counts as its bound and is `estimated`; null for one that was refused
 * before any work was done.
 */
export function measure(bound: Usage, seen: Seen): { readonly usage: Usage; readonly estimated: boolean } | null {
  const { usage, last, handedOut } = seen;
  if (last?.type === 'end') return usage === null ? { usage: bound, estimated: true } : { usage, estimated: false };
  const isInterrupted = last?.type !== 'failed' || interruptions.has(last.error.code);
  if (usage === null) return isInterrupted || handedOut ? { usage: bound, estimated: true } : null;
  // What was told before the end is not the whole of it.
  const output = Math.max(usage.output, bound.output);
  return isInterrupted ? { usage: { ...usage, output }, estimated: true } : { usage, estimated: false };
}
