import type { Result } from '@agentcompany/protocol';

/** What requests to models take; `usd` null: unpriced. */
export interface Amount {
  readonly usd: number | null;
  readonly tokens: number;
}

/** Money set aside for one request. */
export interface Reservation {
  /** Replaces what was set aside by what it came to; once. */
  settle(cost: Amount): void;
}

/** What may be spent on models. Any number of requests may be under way. */
export interface Purse {
  /**
   * Sets `bound`, the most one request can come to, aside before it is sent, so that requests at the same time cannot overspend
   * together. Error: `AC_BUDGET_SPENT`.
   */
  reserve(bound: Amount): Promise<Result<Reservation>>;
}
