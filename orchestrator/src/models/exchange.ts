import { failure, success, type Result } from '@agentcompany/protocol';
import { classify } from './classify.ts';
import { modelErrors as errors } from './errors.ts';
import type { ModelEvent, ModelRequest, ToolCall, ToolDefinition } from './model.ts';
import { jsonProblem } from './sound-json.ts';
import { Transport, type TransportOptions } from './transport.ts';

/** Bytes an answer may have: a token costs its event's frame on the wire besides its text. */
function answerLimit(maxOutputTokens: number): number {
  return 1024 * 1024 + maxOutputTokens * 1024;
}

/** Bytes of what a provider says about a model. */
const checkLimit = 8 * 1024 * 1024;

export type Wire = Omit<TransportOptions, 'limit' | 'signal'>;

/**
 * One exchange with a provider: whatever its SDK throws becomes the last event. An end without one is
 * `AC_MODEL_CUT`, or `AC_MODEL_RUBBISH` where nothing was understood at all.
 */
export async function* exchange(
  wire: Wire,
  call: { readonly model: string; readonly request: ModelRequest; readonly signal: AbortSignal },
  talk: (transport: Transport) => AsyncIterable<ModelEvent>,
): AsyncGenerator<ModelEvent> {
  const { model, request, signal } = call;
  const { maxOutputTokens } = request;
  const transport = new Transport({ ...wire, limit: answerLimit(maxOutputTokens), signal });
  let isUnderstood = false;
  try {
    for await (const event of talk(transport)) {
      isUnderstood = true;
      yield event;
      if (event.type === 'end' || event.type === 'failed') return;
    }
  } catch (thrown) {
    yield classify(thrown, { transport, model, maxOutputTokens });
    return;
  }
  const { provider } = wire.connection;
  const make = isUnderstood ? errors.AC_MODEL_CUT : errors.AC_MODEL_RUBBISH;
  yield { type: 'failed', error: make({ provider }), retryAfterMs: null };
}

/** Asks a provider about a model; `ask` says whether it has it. Errors: as of an exchange, `AC_MODEL_ABSENT`. */
export async function inquire(
  wire: Wire,
  call: { readonly model: string; readonly signal: AbortSignal },
  ask: (transport: Transport) => Promise<boolean>,
): Promise<Result<undefined>> {
  const { model, signal } = call;
  const { jsonLines: _, ...whole } = wire;
  const transport = new Transport({ ...whole, limit: checkLimit, signal });
  try {
    const found = await ask(transport);
    return found ? success() : failure(errors.AC_MODEL_ABSENT({ provider: wire.connection.provider, model }));
  } catch (thrown) {
    return failure(classify(thrown, { transport, model, maxOutputTokens: 0 }).error);
  }
}

/** The event that the model declined. */
export function refusal(model: string, reason: string): ModelEvent {
  return { type: 'failed', error: errors.AC_MODEL_REFUSED({ model }, reason), retryAfterMs: null };
}

interface RawCall {
  readonly id: string;
  readonly name: string;
  /** A JSON text, or the value itself where the provider sends values. */
  readonly input: unknown;
  readonly signature?: string | undefined;
}

/** A tool call as an event: checked against the tools that were offered, its arguments parsed. */
export function toolCall(raw: RawCall, tools: readonly ToolDefinition[]): ModelEvent {
  const { id, name, signature } = raw;
  const parsed = typeof raw.input === 'string' ? parseArguments(raw.input) : raw.input;
  // Whoever writes it down or looks into it must not stumble over it (S47).
  const input = jsonProblem(parsed) === null ? parsed : null;
  const known = tools.map((tool) => tool.name);
  let problem: ToolCall['problem'] = null;
  if (!known.includes(name))
    problem = errors.AC_MODEL_TOOL_UNKNOWN({ tool: name.slice(0, 100), known: known.join(', ') || 'none' });
  else if (typeof input !== 'object' || input === null || Array.isArray(input))
    problem = errors.AC_MODEL_TOOL_ARGUMENTS({ tool: name });
  return {
    type: 'tool_call',
    call: { id, name, input: input ?? null, problem, ...(signature === undefined ? {} : { signature }) },
  };
}

/** Nothing at all stands for no arguments. */
function parseArguments(text: string): unknown {
  try {
    return text.trim() === '' ? {} : JSON.parse(text);
  } catch {
    return null;
  }
}

/** The arguments of a call as they go back into the conversation: an object, whatever the model wrote. */
export function argumentsOf(input: unknown): Record<string, unknown> {
  return typeof input === 'object' && input !== null && !Array.isArray(input) ? { ...input } : {};
}
