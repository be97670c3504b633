import { unwrap, type PayloadOf } from '@agentcompany/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { reviewWork } from '../company/budget.ts';
import { costOfAccount } from '../company/sum-calls.ts';
import type { Purse } from '../models/purse.ts';
import { openRunPurse } from './run-purse.ts';
import { settleJournalled } from './settlement.ts';
import { submit, type LedgerOnDisk } from './testing/ledger-on-disk.ts';
import {
  assignedRun,
  beginNext,
  openSpending,
  runOf,
  say,
  spendingHost,
  type Spending,
  type SpendingHost,
} from './testing/spending-run.ts';

let ledger: LedgerOnDisk;
let host: SpendingHost;
let purseOf: Spending['purseOf'];
beforeEach(async () => {
  const spending = await openSpending();
  ({ ledger, host, purseOf } = spending);
  return spending.dispose;
});

const called = { provider: 'openai', model: 'gpt' };
const usage = { input: 60, output: 40, cache_read: 0, cache_write: 0 };
const call = (usd: number | null, tokens = 100) => ({ usd, tokens });
const cost = (usd: number | null) => ({ ...call(usd), usage });

function reviewPurse(runId: string, attemptId = 'first', parts = host): Purse {
  return openRunPurse({ ...parts, log: () => undefined }, { run: { id: runId }, work: reviewWork(attemptId) });
}

/** What the ledger says was spent, once so many requests have settled. */
async function spentAfter(runId: string, settled: number): Promise<number> {
  let seen = 0;
  for await (const { envelope } of host.bus.watch({ after: 0, signal: AbortSignal.timeout(10_000) })) {
    if (envelope.envelope_type === 'budget_settle') seen += 1;
    if (seen === settled) break;
  }
  return costOfAccount((await runOf(host, runId)).spent).usd;
}

async function atWork(budgetUsd: number | null): Promise<string> {
  const runId = await assignedRun(host, ['a'], { budget_usd: budgetUsd });
  await beginNext(host, runId, 'first');
  return runId;
}

describe('what planning and reviews spend', () => {
  it('DESIGN budget: is set aside on record, so that attempts and reviews cannot overspend together', async () => {
    const runId = await atWork(1);
    const reviewing = unwrap(await reviewPurse(runId).reserve(call(0.7), called));
    expect(await purseOf(runId, 'first').reserve(call(0.5), called)).toMatchObject({
      error: { code: 'AC_BUDGET_SPENT' },
    });
    reviewing.settle(cost(0.2));
    expect(await spentAfter(runId, 1)).toBeCloseTo(0.2, 9);
    unwrap(await purseOf(runId, 'first').reserve(call(0.5), called));
    // The other way about: what the attempt holds is not the reviewer's.
    expect(await reviewPurse(runId).reserve(call(0.5), called)).toMatchObject({ error: { code: 'AC_BUDGET_SPENT' } });
    unwrap(await reviewPurse(runId).reserve(call(0.3), called));
  });

  it('DESIGN budget: never exceeds what there is, however many reviews of however many processes begin at once', async () => {
    const runId = await atWork(1);
    const others = await Promise.all([1, 2, 3].map((number) => spendingHost(ledger, `host-${number}`)));
    const purses = others.flatMap((parts) => [reviewPurse(runId, 'x', parts), reviewPurse(runId, 'y', parts)]);
    const all = await Promise.all(purses.map((purse) => purse.reserve(call(0.3), called)));
    expect(all.filter(({ ok }) => ok)).toHaveLength(3);
    expect((await runOf(host, runId)).reservations.size).toBe(3);
  });

  it('counts once: by its requests, failed ones too, not again by what the verdict lists', async () => {
    const runId = await atWork(1);
    const purse = reviewPurse(runId);
    unwrap(await purse.reserve(call(0.3), called)).settle(cost(0.1));
    unwrap(await purse.reserve(call(0.3), called)).settle(cost(0.02));
    // Refused before it was made.
    unwrap(await purse.reserve(call(0.3), called)).settle(call(0, 0));
    expect(await spentAfter(runId, 3)).toBeCloseTo(0.12, 9);
    const verdict: PayloadOf<'review_response'> = {
      attempt_id: 'first',
      tree: 't',
      verdict: 'approve',
      findings: [],
      reviewer: 'model:gpt',
      calls: [{ ...called, usage, cost_usd: 0.02 }],
    };
    await say(host.bus, runId, 'review_response', verdict);
    const { reservations, spent } = await runOf(host, runId);
    expect([costOfAccount(spent), reservations.size]).toMatchObject([{ usd: 0.12, tokens: 200, estimated: false }, 0]);
    // A review without a budget of its own entries is counted by what it lists.
    await say(host.bus, runId, 'review_response', { ...verdict, attempt_id: 'second' });
    expect(costOfAccount((await runOf(host, runId)).spent).usd).toBeCloseTo(0.14, 9);
  });

  it('DESIGN budget: counts at its most where the engine died before the answer came', async () => {
    const runId = await atWork(1);
    unwrap(await reviewPurse(runId).reserve(call(0.7), called));
    unwrap(await settleJournalled(host, await runOf(host, runId)));
    unwrap(await settleJournalled(host, await runOf(host, runId)));
    const { reservations, spent } = await runOf(host, runId);
    expect([reservations.size, costOfAccount(spent)]).toMatchObject([0, { usd: 0.7, estimated: true }]);
    expect((await reviewPurse(runId).reserve(call(0.4), called)).ok).toBe(false);
    unwrap(await reviewPurse(runId).reserve(call(0.3), called));
  });

  it('says what is wrong where a plan, a model without a price, or tokens are too much', async () => {
    const planning = await submit(host.bus, null, { budget_usd: 0.1 });
    const purse = openRunPurse({ ...host, log: () => undefined }, { run: { id: planning }, work: 'planning' });
    expect(await purse.reserve(call(0.2), called)).toMatchObject({ error: { code: 'AC_BUDGET_TOO_SMALL' } });
    expect(await purse.reserve(call(null), called)).toMatchObject({ error: { code: 'AC_BUDGET_UNPRICED' } });
    const tokens = await submit(host.bus, null, { budget_tokens: 150 });
    const limited = openRunPurse({ ...host, log: () => undefined }, { run: { id: tokens }, work: 'planning' });
    unwrap(await limited.reserve(call(null), called));
    expect(await limited.reserve(call(null), called)).toMatchObject({ error: { code: 'AC_BUDGET_TOO_SMALL' } });
  });

  it('leaves nothing on record where the run has no limit', async () => {
    const runId = await atWork(null);
    const { version } = await runOf(host, runId);
    unwrap(await reviewPurse(runId).reserve(call(9), called)).settle(cost(9));
    expect((await runOf(host, runId)).version).toBe(version);
  });
});
