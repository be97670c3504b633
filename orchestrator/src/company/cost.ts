import type { ModelAccount, ModelCall } from '@agentcompany/protocol';

/** What models took: dollars as whole picodollars, so that sums are exact in any order. */
export interface Cost {
  picodollars: bigint;
  tokens: number;
  calls: number;
  /** Calls without a price: they are in no sum of dollars. */
  unpricedCalls: number;
  /** Calls that count with the most they could have come to: the host that could have told died. */
  estimatedCalls: number;
}

const picodollarsPerDollar = 1e12;

export function noCost(): Cost {
  return { picodollars: 0n, tokens: 0, calls: 0, unpricedCalls: 0, estimatedCalls: 0 };
}

/** Tokens of a call in all. */
export function tokensOf({ usage }: Pick<ModelCall, 'usage'>): number {
  return usage.input + usage.output + usage.cache_read + usage.cache_write;
}

/** Adds an account, in place. */
export function addCalls(cost: Cost, account: ModelAccount): void {
  for (const entry of account) {
    cost.calls += entry.calls;
    cost.tokens += tokensOf(entry);
    if (entry.cost_usd === null) cost.unpricedCalls += entry.calls;
    else cost.picodollars += BigInt(Math.round(entry.cost_usd * picodollarsPerDollar));
    if (entry.estimated) cost.estimatedCalls += entry.calls;
  }
}

/** US dollars, exact to far more than the four decimals they are shown with. */
export function dollarsOf({ picodollars }: Pick<Cost, 'picodollars'>): number {
  return Number(picodollars) / picodollarsPerDollar;
}

/** What an account comes to. */
export function costOf(account: ModelAccount): Cost {
  const cost = noCost();
  addCalls(cost, account);
  return cost;
}
