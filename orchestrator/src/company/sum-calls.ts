import type { ModelAccount, ModelCall } from '@agentcompany/protocol';

/** A call as its provider's answer tells it; `estimated`: it is an upper bound. */
type Call = ModelCall & { readonly estimated?: boolean | undefined };
type Line = ModelAccount[number];

/** Dollars in steps of 1e-10: sums of such are exact and the same in any order, up to 900,000 dollars. */
const steps = 10_000_000_000;

function add(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : (Math.round(one * steps) + Math.round(other * steps)) / steps;
}

function joined(one: Line, other: Line): Line {
  return {
    ...one,
    usage: {
      input: one.usage.input + other.usage.input,
      output: one.usage.output + other.usage.output,
      cache_read: one.usage.cache_read + other.usage.cache_read,
      cache_write: one.usage.cache_write + other.usage.cache_write,
    },
    cost_usd: add(one.cost_usd, other.cost_usd),
    calls: one.calls + other.calls,
    estimated: one.estimated || other.estimated,
  };
}

/** Accounts as one: a line for each model, and one more for those of its calls that have no price (W9). */
export function joinAccounts(...accounts: readonly ModelAccount[]): ModelAccount {
  const lines = new Map<string, Line>();
  for (const line of accounts.flat()) {
    const name = JSON.stringify([line.provider, line.model, line.cost_usd === null]);
    const known = lines.get(name);
    lines.set(name, known === undefined ? line : joined(known, line));
  }
  return [...lines.values()];
}

/** What single calls took together, per model. */
export function sumCalls(calls: readonly Call[]): ModelAccount {
  const lines = calls.map(({ provider, model, usage, cost_usd, estimated = false }) => {
    return { provider, model, usage: { ...usage }, cost_usd, calls: 1, estimated };
  });
  return joinAccounts(lines);
}

/** What an account comes to. */
export interface Cost {
  /** US dollars of the calls that have a price. */
  readonly usd: number;
  /** Calls that have none: their cost is not known. */
  readonly unpricedCalls: number;
  readonly tokens: number;
  /** Some of it is an upper bound. */
  readonly estimated: boolean;
}

/** The cost of all that an account holds; dollars are the exact sum of the calls that have a price (W9). */
export function costOfAccount(account: ModelAccount): Cost {
  let cost: Cost = { usd: 0, unpricedCalls: 0, tokens: 0, estimated: false };
  for (const { usage, cost_usd, calls, estimated } of account)
    cost = {
      usd: add(cost.usd, cost_usd ?? 0) ?? 0,
      unpricedCalls: cost.unpricedCalls + (cost_usd === null ? calls : 0),
      tokens: cost.tokens + usage.input + usage.output + usage.cache_read + usage.cache_write,
      estimated: cost.estimated || estimated,
    };
  return cost;
}
