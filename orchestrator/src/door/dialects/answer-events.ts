import type { ModelEvent, ModelMessage, StopReason, ToolCall, Usage } from '../../models/model.ts';
import { argumentsOf } from '../../models/exchange.ts';
import { maximumDepth } from '../../models/sound-json.ts';
import type { AttemptModels } from '../attempt-services.ts';
import { keepSignature, withSignatures } from './call-memory.ts';
import { faultOf, type Fault } from './faults.ts';
import type { Asked } from './request-parts.ts';

/** A call as it is told to a code agent: the name is its own, the arguments are an object. */
export interface AnsweredCall {
  readonly id: string;
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly signature?: string;
}

/** `refused`: the model declined; only for formats that have a word for it. */
export type AnswerStop = StopReason | 'refused';

export type AnswerEvent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'call'; readonly call: AnsweredCall }
  | { readonly type: 'usage'; readonly usage: Usage }
  | { readonly type: 'end'; readonly stop: AnswerStop }
  | { readonly type: 'failed'; readonly fault: Fault };

/** Deeper arguments could not come back: the conversation around them has levels of its own. */
const maximumInputDepth = maximumDepth - 20;

/** The value with whole characters only; undefined where it is too deep. Agents send back what they are given, and half a character would be refused. */
function wellFormed(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= maximumInputDepth) throw new RangeError('too deep');
  if (Array.isArray(value)) return value.map((item) => wellFormed(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key.toWellFormed(), wellFormed(item, depth + 1)]),
  );
}

function inputOf(input: unknown): Record<string, unknown> {
  try {
    return argumentsOf(wellFormed(input));
  } catch (cause) {
    if (cause instanceof RangeError) return {};
    throw cause;
  }
}

/** Ids that are new in the conversation: some providers count from 1 in each answer, and agents tell calls apart by nothing else. */
class CallIds {
  readonly #used: Set<string>;

  constructor(messages: readonly ModelMessage[]) {
    const calls = messages.flatMap((message) => (message.role === 'assistant' ? message.toolCalls : []));
    this.#used = new Set(calls.map(({ id }) => id));
  }

  unique(id: string): string {
    const wanted = id.toWellFormed().slice(0, 200) || 'call';
    let unique = wanted;
    for (let count = 2; this.#used.has(unique); count += 1) unique = `${wanted}-${count}`;
    this.#used.add(unique);
    return unique;
  }
}

/** Hands text out in whole characters: half of one waits for the other. */
class WholeText {
  #half = '';

  take(text: string): string {
    const all = this.#half + text;
    this.#half = /[\uD800-\uDBFF]$/.exec(all)?.[0] ?? '';
    return all.slice(0, all.length - this.#half.length).toWellFormed();
  }
}

interface Asking extends Asked {
  readonly signal: AbortSignal;
  /** The format has a word for an answer that the model declined; else it is a fault. */
  readonly hasRefusal: boolean;
}

/** Asks the model, and tells its answer in words that every format can write. Usage is told before the end. */
export async function* answerEvents(
  models: AttemptModels,
  { request, names, signal, hasRefusal }: Asking,
): AsyncGenerator<AnswerEvent> {
  const ids = new CallIds(request.messages);
  const text = new WholeText();
  const toCall = (given: ToolCall): AnsweredCall => {
    const call = { ...given, id: ids.unique(given.id) };
    keepSignature(models, call);
    const { id, name, signature } = call;
    const known = names.toGiven(name).toWellFormed().slice(0, 256) || 'unknown';
    return { id, name: known, input: inputOf(call.input), ...(signature === undefined ? {} : { signature }) };
  };
  for await (const event of models.stream(withSignatures(models, request), signal)) {
    if (event.type === 'text') {
      const whole = text.take(event.text);
      if (whole !== '') yield { type: 'text', text: whole };
    } else if (event.type === 'tool_call') yield { type: 'call', call: toCall(event.call) };
    else if (event.type === 'failed') yield failed(event, hasRefusal);
    else yield event;
  }
}

function failed({ error, retryAfterMs }: Extract<ModelEvent, { type: 'failed' }>, hasRefusal: boolean): AnswerEvent {
  const isDeclined = error.code === 'AC_MODEL_REFUSED' && hasRefusal;
  return isDeclined ? { type: 'end', stop: 'refused' } : { type: 'failed', fault: faultOf(error, retryAfterMs) };
}
