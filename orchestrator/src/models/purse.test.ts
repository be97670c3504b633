import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { openPurse, unlimitedPurse } from './purse.ts';

const dollar = { usd: 1, tokens: 100 };

describe('a purse', () => {
  it('sets the most aside that calls at the same time can come to, so that they cannot overspend together', async () => {
    const purse = openPurse('r1', { usd: 2.5, tokens: null });
    const asked = await Promise.all([1, 2, 3, 4].map(() => purse.reserve(dollar)));
    expect(asked.map(({ ok }) => ok)).toEqual([true, true, false, false]);
    expect(asked[2]).toMatchObject({ error: { code: 'AC_BUDGET_SPENT', retry: 'never' } });
    const error = asked[2]?.ok === false ? asked[2].error : null;
    expect(error?.message).toContain('$0.5000');
    expect(error?.remedy).toContain('agentcompany resume r1 --budget USD');
    unwrap(asked[0]!).settle({ usd: 0.1, tokens: 10 });
    expect((await purse.reserve(dollar)).ok).toBe(true);
    expect((await purse.reserve(dollar)).ok).toBe(false);
  });

  it('settles once, whatever it is told afterwards', async () => {
    const purse = openPurse('r1', { usd: 1, tokens: null });
    const reservation = unwrap(await purse.reserve(dollar));
    reservation.settle({ usd: 0.5, tokens: 0 });
    reservation.settle({ usd: 0, tokens: 0 });
    expect((await purse.reserve({ usd: 0.6, tokens: 0 })).ok).toBe(false);
    expect((await purse.reserve({ usd: 0.5, tokens: 0 })).ok).toBe(true);
  });

  it('limits what has no price in tokens', async () => {
    const purse = openPurse('r1', { usd: 0, tokens: 150 });
    expect((await purse.reserve({ usd: null, tokens: 100 })).ok).toBe(true);
    const refused = await purse.reserve({ usd: null, tokens: 100 });
    expect(refused).toMatchObject({ ok: false, error: { code: 'AC_BUDGET_SPENT' } });
    expect(refused.ok ? '' : refused.error.message).toContain('50 tokens left');
    expect((await openPurse('r1', { usd: null, tokens: null }).reserve({ usd: 1e9, tokens: 1e9 })).ok).toBe(true);
    expect((await unlimitedPurse.reserve({ usd: 1e9, tokens: 1e9 })).ok).toBe(true);
  });
});
