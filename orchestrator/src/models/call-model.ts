import { setTimeout as wait } from 'node:timers/promises';
import { failure, type AppError, type Result } from '@agentcompany/protocol';
import { modelErrors as errors } from './errors.ts';
import {
  maximumOutputTokens,
  noUsage,
  type CallOptions,
  type Model,
  type ModelEvent,
  type ModelProvider,
  type ModelReply,
  type ModelRequest,
  type StopReason,
  type ToolCall,
  type Usage,
} from './model.ts';
import { unlimitedPurse } from './purse.ts';
import { amountOf, boundAmount, boundOf, measure } from './request-cost.ts';

/** A model as its adapter offers it, and what it costs. */
export interface Candidate {
  readonly provider: ModelProvider;
  readonly name: string;
  readonly costOf: (usage: Usage) => number | null;
}

export interface Persistence {
  /** Milliseconds before the second, third … try of one model. */
  readonly retryDelaysMs: readonly number[];
}

/** A provider that wants a longer pause is not waited for. */
const longestWaitMs = 60_000;

/** The model `first`; when its tries are spent, or no try can help, `fallback` instead. */
export function createModel(first: Candidate, fallback: Candidate | null, persistence: Persistence): Model {
  const candidates = fallback === null ? [first] : [first, fallback];
  return {
    provider: first.provider.name,
    name: first.name,
    capabilities: first.provider.capabilities,
    stream: (request, options) => persist(candidates, request, options, persistence),
    complete: (request, options) => complete(candidates, request, options, persistence),
    check: ({ signal, timeoutMs }) =>
      first.provider.check(first.name, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])),
  };
}

type Failed = Extract<ModelEvent, { type: 'failed' }>;

interface Try {
  readonly candidate: Candidate;
  /** Says how the try ended: null for well. The next one follows only a failure. */
  failed: Failed | null;
}

/** The tries of a call, with the pauses between them. */
async function* tries(
  candidates: readonly Candidate[],
  { signal }: CallOptions,
  { retryDelaysMs }: Persistence,
): AsyncGenerator<Try> {
  for (const candidate of candidates) {
    for (let count = 0; ; count += 1) {
      const current: Try = { candidate, failed: null };
      yield current;
      if (current.failed === null || signal.aborted) return;
      const { error, retryAfterMs } = current.failed;
      const delay = Math.max(retryDelaysMs[count] ?? 0, retryAfterMs ?? 0);
      if (error.retry === 'never' || count >= retryDelaysMs.length || delay > longestWaitMs) break;
      await wait(delay, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
    }
  }
}

/** One request within its purse and bounded in time; what it took is told whatever comes of it. */
async function* attempt(
  { provider, name, costOf }: Candidate,
  request: ModelRequest,
  options: CallOptions,
): AsyncGenerator<ModelEvent> {
  const bound = boundOf(request);
  const reserved = await (options.purse ?? unlimitedPurse).reserve(boundAmount(bound, costOf), {
    provider: provider.name,
    model: name,
  });
  if (!reserved.ok) {
    yield { type: 'failed', error: reserved.error, retryAfterMs: null };
    return;
  }
  let usage: Usage | null = null;
  let last: ModelEvent | null = null;
  let handedOut = false;
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  try {
    for await (const event of provider.stream(name, request, signal)) {
      if (event.type === 'usage') usage = event.usage;
      handedOut ||= event.type === 'text' || event.type === 'tool_call';
      last = event;
      yield event;
    }
  } finally {
    const measured = measure(bound, { usage, last, handedOut });
    reserved.value.settle({ ...amountOf(measured?.usage ?? noUsage, costOf), ...measured });
    if (measured !== null) {
      const estimated = measured.estimated ? { estimated: true as const } : {};
      const cost_usd = costOf(measured.usage);
      options.onCall?.({ provider: provider.name, model: name, usage: measured.usage, cost_usd, ...estimated });
    }
  }
}

/** What is wrong with a request before anything is sent. */
function refused({ maxOutputTokens }: ModelRequest, [first]: readonly Candidate[]): AppError | null {
  const isPossible =
    Number.isInteger(maxOutputTokens) && maxOutputTokens >= 1 && maxOutputTokens <= maximumOutputTokens;
  return isPossible ? null : errors.AC_MODEL_TOKENS_REFUSED({ model: first?.name ?? '', tokens: maxOutputTokens });
}

async function* persist(
  candidates: readonly Candidate[],
  request: ModelRequest,
  options: CallOptions,
  persistence: Persistence,
): AsyncGenerator<ModelEvent> {
  const impossible = refused(request, candidates);
  let last: Failed | null = impossible === null ? null : { type: 'failed', error: impossible, retryAfterMs: null };
  for await (const current of impossible === null ? tries(candidates, options, persistence) : []) {
    let handedOut = false;
    for await (const event of attempt(current.candidate, request, options)) {
      if (event.type === 'failed') current.failed = event;
      else yield event;
      handedOut ||= event.type === 'text' || event.type === 'tool_call';
    }
    last = current.failed;
    if (handedOut) break;
  }
  if (last === null) return;
  yield options.signal.aborted ? { ...last, error: errors.AC_MODEL_ABORTED() } : last;
}

async function complete(
  candidates: readonly Candidate[],
  request: ModelRequest,
  options: CallOptions,
  persistence: Persistence,
): Promise<Result<ModelReply>> {
  const impossible = refused(request, candidates);
  if (impossible !== null) return failure(impossible);
  let error = errors.AC_MODEL_ABORTED();
  for await (const current of tries(candidates, options, persistence)) {
    const collected = await collect(current.candidate, request, options);
    if ('provider' in collected) return { ok: true, value: collected };
    current.failed = collected;
    error = collected.error;
  }
  return failure(options.signal.aborted ? errors.AC_MODEL_ABORTED() : error);
}

async function collect(
  candidate: Candidate,
  request: ModelRequest,
  options: CallOptions,
): Promise<ModelReply | Failed> {
  const text: string[] = [];
  const toolCalls: ToolCall[] = [];
  let usage = noUsage;
  let stop: StopReason = 'finished';
  for await (const event of attempt(candidate, request, options)) {
    if (event.type === 'failed') return event;
    if (event.type === 'text') text.push(event.text);
    else if (event.type === 'tool_call') toolCalls.push(event.call);
    else if (event.type === 'usage') usage = event.usage;
    else stop = event.stop;
  }
  const { provider, name, costOf } = candidate;
  return { provider: provider.name, model: name, text: text.join(''), toolCalls, stop, usage, cost_usd: costOf(usage) };
}
