import { causeText, type AppError } from '@agentcompany/protocol';
import { modelErrors as errors } from './errors.ts';
import type { ModelEvent } from './model.ts';
import type { HttpFailure, Transport } from './transport.ts';

export interface CallContext {
  readonly transport: Transport;
  readonly model: string;
  readonly maxOutputTokens: number;
}

type Failed = Extract<ModelEvent, { type: 'failed' }>;

const contextWords =
  /prompt is too long|context[_ ](?:length|limit|window)|maximum context|input token count .* exceeds|exceeds? the (?:available )?context/i;
const outputWords = /max_tokens|max_completion_tokens|maxOutputTokens|max_output_tokens|num_predict/i;
const badKeyWords = /api[_ ]key[_ ](?:not valid|invalid)|API_KEY_INVALID|invalid[_ ]api[_ ]key/i;
const quotaWords = /insufficient_quota|credit balance is too low|billing/i;

function parametersOf({ transport, model, maxOutputTokens }: CallContext): Record<string, string | number> {
  const { provider, variable, baseUrl } = transport.options.connection;
  return { provider, variable, model, url: baseUrl, tokens: maxOutputTokens, limit: transport.options.limit };
}

/** Milliseconds a provider asks to wait: `retry-after(-ms)`, or Google's `retryDelay`. */
function waitOf({ headers, text }: HttpFailure): number | null {
  const milliseconds = Number(headers.get('retry-after-ms') ?? Number.NaN);
  if (Number.isFinite(milliseconds)) return Math.max(0, milliseconds);
  const header = headers.get('retry-after');
  if (header !== null) {
    const seconds = Number(header);
    const until = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
    if (Number.isFinite(until)) return Math.max(0, until);
  }
  const delay = /"retryDelay":\s*"(\d+(?:\.\d+)?)s"/.exec(text)?.[1];
  return delay === undefined ? null : Number(delay) * 1000;
}

function byStatus(failure: HttpFailure, context: CallContext): AppError {
  const { status, text } = failure;
  const cause = context.transport.redact(text);
  const parameters = { ...parametersOf(context), status };
  if (status === 402 || ((status === 429 || status === 400) && quotaWords.test(text)))
    return errors.AC_MODEL_QUOTA(parameters, cause);
  if (status === 401 || status === 403 || badKeyWords.test(text)) return errors.AC_MODEL_KEY_REFUSED(parameters, cause);
  if (status === 404) return errors.AC_MODEL_ABSENT(parameters, cause);
  if (status === 429) return errors.AC_MODEL_RATE_LIMITED(parameters, cause);
  if (status === 413 || contextWords.test(text)) return errors.AC_MODEL_CONTEXT_TOO_LONG(parameters, cause);
  if (status >= 500 || status === 408) return errors.AC_MODEL_OVERLOADED(parameters, cause);
  return outputWords.test(text)
    ? errors.AC_MODEL_TOKENS_REFUSED(parameters, cause)
    : errors.AC_MODEL_REQUEST_REFUSED(parameters, cause);
}

/** An error event inside a stream: the status was 200 already, its words are all there is. */
function byWords(text: string, context: CallContext): AppError | null {
  const parameters = { ...parametersOf(context), status: 200 };
  if (/overloaded|unavailable|internal (?:server )?error|api_error/i.test(text))
    return errors.AC_MODEL_OVERLOADED(parameters, text);
  if (/rate.?limit|resource_exhausted/i.test(text)) return errors.AC_MODEL_RATE_LIMITED(parameters, text);
  return contextWords.test(text) ? errors.AC_MODEL_CONTEXT_TOO_LONG(parameters, text) : null;
}

/** The whole chain of causes in one line: `fetch failed: connect ECONNREFUSED …`. */
function chainText(thrown: unknown): string {
  const texts: string[] = [];
  for (let cause = thrown; cause !== undefined && cause !== null && texts.length < 4;) {
    texts.push(causeText(cause) ?? '');
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return [...new Set(texts)].join(': ');
}

/** What an SDK threw, as the error of the catalogue. The key is in none of its texts. */
export function classify(thrown: unknown, context: CallContext): Failed {
  const { transport } = context;
  const failed = (error: AppError, retryAfterMs: number | null = null): Failed => ({
    type: 'failed',
    error,
    retryAfterMs,
  });
  const parameters = parametersOf(context);
  if (transport.failure !== null) return failed(byStatus(transport.failure, context), waitOf(transport.failure));
  const cause = transport.redact(chainText(thrown));
  const { signal } = transport.options;
  if (signal.aborted) {
    const late = signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError';
    return failed(late ? errors.AC_MODEL_TIMEOUT(parameters) : errors.AC_MODEL_ABORTED());
  }
  if (transport.tooLarge) return failed(errors.AC_MODEL_OUTPUT_TOO_LARGE(parameters));
  if (!transport.responded) return failed(errors.AC_MODEL_UNREACHABLE(parameters, cause));
  const told = byWords(cause, context);
  if (told !== null) return failed(told);
  return failed((transport.broken ? errors.AC_MODEL_CUT : errors.AC_MODEL_RUBBISH)(parameters, cause));
}
