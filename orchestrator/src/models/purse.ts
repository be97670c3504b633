import { failure, success, type Result } from '@agentcompany/protocol';
import { modelErrors as errors } from './errors.ts';
import type { Usage } from './model.ts';

/** What requests to models take; `usd` null: unpriced. */
export interface Amount {
  readonly usd: number | null;
  readonly tokens: number;
}

/** What a request came to; without `usage` it was not made. */
export interface Spent extends Amount {
  readonly usage?: Usage;
  /** It is the most that it can have come to. */
  readonly estimated?: boolean;
}

/** Money set aside for one request. */
export interface Reservation {
  /** Replaces what was set aside by what it came to; once. */
  settle(cost: Spent): void;
}

/** The model that a request goes to. */
export interface Called {
  readonly provider: string;
  readonly model: string;
}

/** What may be spent on models. Any number of requests may be under way. */
export interface Purse {
  /**
   * Sets `bound`, the most one request can come to, aside before it is sent, so that requests at the same time cannot overspend
   * together. `called` names whom it is sent to, for the record. Errors: `AC_BUDGET_…`.
   */
  reserve(bound: Amount, called?: Called): Promise<Result<Reservation>>;
}

/** What a run may spend: US dollars for what has a price, tokens for all; null: no limit. */
export interface Limits {
  readonly usd: number | null;
  readonly tokens: number | null;
}

/** A purse without a limit. */
export const unlimitedPurse: Purse = { reserve: async () => success({ settle: () => undefined }) };

/** A purse that lives as long as the process. What is unpriced takes tokens only. Error: `AC_BUDGET_SPENT`. */
export function openPurse(run: string, limits: Limits): Purse {
  let usd = 0;
  let tokens = 0;
  const add = (amount: Amount, sign: 1 | -1): void => {
    usd += sign * (amount.usd ?? 0);
    tokens += sign * amount.tokens;
  };
  return {
    reserve: async (bound) => {
      const isDear = limits.usd !== null && bound.usd !== null && usd + bound.usd > limits.usd;
      const isLong = limits.tokens !== null && tokens + bound.tokens > limits.tokens;
      if (isDear || isLong) return failure(errors.AC_BUDGET_SPENT({ run, left: left(limits, { usd, tokens }) }));
      add(bound, 1);
      let isSettled = false;
      return success({
        settle: (cost) => {
          if (isSettled) return;
          isSettled = true;
          add(bound, -1);
          add(cost, 1);
        },
      });
    },
  };
}

/** What is neither spent nor set aside, in words. */
function left(limits: Limits, taken: { readonly usd: number; readonly tokens: number }): string {
  const dollars = limits.usd === null ? [] : [`$${Math.max(0, limits.usd - taken.usd).toFixed(4)}`];
  const tokens = limits.tokens === null ? [] : [`${Math.max(0, limits.tokens - taken.tokens)} tokens`];
  return [...dollars, ...tokens].join(' and ');
}
