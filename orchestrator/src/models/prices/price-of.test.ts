import { describe, expect, it } from 'vitest';
import { modelFamilies } from '../resolve-model.ts';
import { openPrice } from './price-of.ts';

const nowhere = { compatible: false, local: false };
const usage = { input: 1000, output: 200, cache_read: 0, cache_write: 0 };

describe('openPrice', () => {
  it('takes prices from the table, cache and all', () => {
    const priceOf = openPrice({ provider: 'anthropic', model: 'claude-sonnet-5' }, [], nowhere);
    expect(priceOf(usage)).toBeCloseTo((1000 * 2 + 200 * 10) / 1e6, 9);
    expect(priceOf({ ...usage, cache_read: 10_000, cache_write: 100 })).toBeCloseTo(
      (1000 * 2 + 200 * 10 + 10_000 * 0.2 + 100 * 2.5) / 1e6,
      9,
    );
  });

  it('calls unpriced what it does not know, never free', () => {
    expect(openPrice({ provider: 'anthropic', model: 'claude-of-tomorrow' }, [], nowhere)(usage)).toBeNull();
    expect(openPrice({ provider: 'openai', model: 'gpt-5.5' }, [], { ...nowhere, compatible: true })(usage)).toBeNull();
    expect(openPrice({ provider: 'ollama', model: 'llama3.3' }, [], nowhere)(usage)).toBeNull();
    expect(openPrice({ provider: 'ollama', model: 'big:cloud' }, [], { ...nowhere, local: true })(usage)).toBeNull();
  });

  it('counts nothing for models of this machine', () => {
    expect(openPrice({ provider: 'ollama', model: 'llama3.3' }, [], { compatible: true, local: true })(usage)).toBe(0);
  });

  it('prefers the prices of the configuration', () => {
    const given = [{ model: 'mine', input: 3, output: 6, cache_read: 1 }];
    const priceOf = openPrice({ provider: 'openai', model: 'mine' }, given, { compatible: true, local: true });
    expect(priceOf({ ...usage, cache_read: 100, cache_write: 10 })).toBeCloseTo(
      (1000 * 3 + 200 * 6 + 100 * 1 + 10 * 3) / 1e6,
      9,
    );
  });

  it('knows the price of every family but the local one', () => {
    const prices = Object.values(modelFamilies).map((name) => openPrice(name, [], nowhere)(usage));
    expect(prices.map((price) => price !== null && price > 0)).toEqual([true, true, true, true, false]);
  });
});
