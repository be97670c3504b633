import { createHash } from 'node:crypto';
import { success, type AppError, type Result } from '@agentcompany/protocol';
import canonicalize from 'canonicalize';
import { modelErrors as errors } from './errors.ts';
import type { Exchange, ExchangeKey, ExchangeStore } from './exchange-store.ts';
import { eventsOf, joinTexts, replyOf } from './exchange-events.ts';
import type { CallOptions, CallRecord, Model, ModelEvent, ModelReply, ModelRequest } from './model.ts';
import type { Purse } from './purse.ts';

export interface Metering {
  /** See `ExchangeKey`. */
  readonly scope: string;
  /** Null: nothing is recorded, so a reply that is lost may be paid twice. */
  readonly store: ExchangeStore | null;
  readonly purse: Purse;
  /** Told of every request that may have cost something; never of a reply that is given again. */
  readonly onCall?: (call: CallRecord) => void;
  /** Told of every recorded reply that is given again for nothing. */
  readonly onAgain?: (call: CallRecord) => void;
  /** Told of an exchange that could not be recorded. Its reply is used all the same: it is paid. */
  readonly onUnrecorded?: (error: AppError) => void;
}

/** sha256 of the RFC 8785 form of a request. */
export function requestDigest(request: ModelRequest): string {
  return createHash('sha256')
    .update(canonicalize(request) ?? '')
    .digest('hex');
}

/**
 * A model every exchange of which is recorded before its end is handed on, and every request of which is paid from the purse. Requests
 * that this piece of work made before, in this order, get the recorded reply for nothing. One piece of work has one such
 * model at a time: which occurrence of a request it is, is counted here. Errors: those of the model, `AC_BUDGET_SPENT`, those of
 * the store.
 */
export function meteredModel(model: Model, metering: Metering): Model {
  const recorder = new Recorder(model, metering);
  return {
    provider: model.provider,
    name: model.name,
    capabilities: model.capabilities,
    check: (options) => model.check(options),
    stream: (request, options) => recorder.stream(request, options),
    complete: (request, options) => recorder.complete(request, options),
  };
}

interface Asked {
  readonly request: ModelRequest;
  readonly key: ExchangeKey;
}

class Recorder {
  readonly #model: Model;
  readonly #metering: Metering;
  readonly #occurrences = new Map<string, number>();

  constructor(model: Model, metering: Metering) {
    this.#model = model;
    this.#metering = metering;
  }

  async *stream(request: ModelRequest, options: CallOptions): AsyncGenerator<ModelEvent> {
    const asked = this.#ask(request);
    const known = await this.#find(asked);
    if (!known.ok) yield { type: 'failed', error: known.error, retryAfterMs: null };
    else if (known.value === null) yield* this.#call(asked, options);
    else {
      this.#again(known.value);
      yield* known.value.events;
    }
  }

  async complete(request: ModelRequest, options: CallOptions): Promise<Result<ModelReply>> {
    const asked = this.#ask(request);
    const known = await this.#find(asked);
    if (!known.ok) return known;
    if (known.value !== null) return success(this.#again(known.value));
    const reply = await this.#model.complete(request, this.#paid(options));
    if (reply.ok) await this.#keep(asked, reply.value, eventsOf(reply.value));
    else this.#giveBack(asked);
    return reply;
  }

  /** What was handed out live cannot be called back; the end waits until the whole is durable. */
  async *#call(asked: Asked, options: CallOptions): AsyncGenerator<ModelEvent> {
    const { provider, name } = this.#model;
    let answered: Pick<CallRecord, 'provider' | 'model' | 'cost_usd'> = { provider, model: name, cost_usd: null };
    const paid = this.#paid(options, (call) => (answered = call));
    const events: ModelEvent[] = [];
    try {
      for await (const event of this.#model.stream(asked.request, paid)) {
        events.push(event);
        if (event.type !== 'end') yield event;
      }
    } finally {
      if (events.at(-1)?.type !== 'end') this.#giveBack(asked);
    }
    const last = events.at(-1);
    if (last === undefined) yield { type: 'failed', error: errors.AC_MODEL_ABORTED(), retryAfterMs: null };
    if (last?.type !== 'end') return;
    await this.#keep(asked, answered, joinTexts(events));
    yield last;
  }

  #again(exchange: Exchange): ModelReply {
    const reply = replyOf(exchange);
    const { provider, model, usage, cost_usd } = reply;
    this.#metering.onAgain?.({ provider, model, usage, cost_usd });
    return reply;
  }

  #ask(request: ModelRequest): Asked {
    const digest = requestDigest(request);
    const occurrence = this.#occurrences.get(digest) ?? 0;
    this.#occurrences.set(digest, occurrence + 1);
    const { provider, name } = this.#model;
    return { request, key: { scope: this.#metering.scope, digest, occurrence, asked: `${provider}:${name}` } };
  }

  /** What had no whole answer did not occur: who makes the request again after it, makes it again after a crash as well. */
  #giveBack({ key: { digest, occurrence } }: Asked): void {
    if (this.#occurrences.get(digest) === occurrence + 1) this.#occurrences.set(digest, occurrence);
  }

  async #find({ key }: Asked): Promise<Result<Exchange | null>> {
    return this.#metering.store === null ? success(null) : this.#metering.store.find(key);
  }

  async #keep(
    { key, request }: Asked,
    { provider, model, cost_usd }: Pick<CallRecord, 'provider' | 'model' | 'cost_usd'>,
    events: readonly ModelEvent[],
  ): Promise<void> {
    const kept = await this.#metering.store?.keep(key, { provider, model, request, events, cost_usd });
    if (kept?.ok === false) this.#metering.onUnrecorded?.(kept.error);
  }

  #paid(options: CallOptions, alsoTold?: (call: CallRecord) => void): CallOptions {
    const onCall = (call: CallRecord): void => {
      alsoTold?.(call);
      options.onCall?.(call);
      this.#metering.onCall?.(call);
    };
    return { ...options, purse: this.#metering.purse, onCall };
  }
}
