import type { Result } from '@agentcompany/protocol';
import type { ModelEvent, ModelRequest, ProviderName } from './model.ts';

/**
 * Which exchange of which piece of work: the `occurrence`th (from 0) time that work of `scope` makes a request of this `digest` of that
 * model. The scope stays the same when the work is taken up again after a crash, so that a reply which was paid is not paid twice.
 */
export interface ExchangeKey {
  /** For example `planning`, `task/<task>/<round>`, `review/<attempt>`. */
  readonly scope: string;
  /** sha256 of the RFC 8785 form of the request. */
  readonly digest: string;
  readonly occurrence: number;
  /** The model that was asked, as `provider:name`; a fallback may have answered. Null: recorded by a version that did not write it down. */
  readonly asked: string | null;
}

/** A request and the whole of its answer. */
export interface Exchange {
  readonly provider: ProviderName;
  readonly model: string;
  readonly request: ModelRequest;
  readonly events: readonly ModelEvent[];
  /** US dollars; null: unpriced. */
  readonly cost_usd: number | null;
}

export interface RecordedExchange {
  readonly key: ExchangeKey;
  readonly exchange: Exchange;
}

/** Exchanges of one run, beside its logs. */
export interface ExchangeStore {
  /** Null: it never ended, or was not recorded. */
  find(key: ExchangeKey): Promise<Result<Exchange | null>>;
  /** Durable when it returns. */
  keep(key: ExchangeKey, exchange: Exchange): Promise<Result<undefined>>;
}
