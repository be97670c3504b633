import { describe, expect, it } from 'vitest';
import { costOfAccount, joinAccounts, sumCalls } from './sum-calls.ts';

const usage = { input: 10, output: 5, cache_read: 2, cache_write: 1 };
const call = (model: string, cost_usd: number | null, estimated = false) => {
  return { provider: 'anthropic', model, usage, cost_usd, estimated };
};

describe('what calls of models took together', () => {
  it('W9 is exact whatever the order and however many, where adding floating point numbers is not', () => {
    const costs = [0.1, 0.2, 0.3, 0.000_049_999_9, 0.000_000_1];
    const many = Array.from({ length: 3000 }, (_, index) => call('a', costs[index % costs.length] ?? 0));
    expect(costOfAccount(sumCalls(many)).usd).toBe(360.03005994);
    expect(costOfAccount(sumCalls(many.toReversed())).usd).toBe(360.03005994);
    expect(costOfAccount(sumCalls([call('a', 0.1), call('b', 0.2)])).usd).toBe(0.3);
  });

  it('W9 says which calls have no price: they are neither free nor do they hide the price of others', () => {
    const account = sumCalls([call('a', 1), call('a', null), call('b', null), call('a', 2), call('b', null)]);
    expect(account.map(({ model, calls, cost_usd }) => [model, calls, cost_usd])).toEqual([
      ['a', 2, 3],
      ['a', 1, null],
      ['b', 2, null],
    ]);
    expect(costOfAccount(account)).toEqual({ usd: 3, unpricedCalls: 3, tokens: 90, estimated: false });
  });

  it('joins accounts of several attempts, and an upper bound in one makes the whole one', () => {
    const one = sumCalls([call('a', 0.1)]);
    const joined = joinAccounts(one, sumCalls([call('a', 0.2, true), call('c', 0)]), []);
    expect(joined).toEqual([
      {
        provider: 'anthropic',
        model: 'a',
        usage: { input: 20, output: 10, cache_read: 4, cache_write: 2 },
        cost_usd: 0.3,
        calls: 2,
        estimated: true,
      },
      { provider: 'anthropic', model: 'c', usage, cost_usd: 0, calls: 1, estimated: false },
    ]);
    expect(costOfAccount(joined)).toMatchObject({ usd: 0.3, estimated: true });
    expect(one[0]?.calls).toBe(1);
  });
});
