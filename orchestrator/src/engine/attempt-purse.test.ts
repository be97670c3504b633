import { unwrap, type RunSettings } from '@agentcompany/protocol';
import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { costOfAccount } from '../company/sum-calls.ts';
import { mint } from './mint.ts';
import { settlement } from './settlement.ts';
import { altered, type LedgerOnDisk } from './testing/ledger-on-disk.ts';
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

/** A run of one task at work, and the purse of its attempt. */
async function atWork(settings: Partial<RunSettings>, taskBudget?: number) {
  const runId = await assignedRun(host, ['a'], settings, (plan) => ({
    ...plan,
    tasks: plan.tasks.map((task) => (taskBudget === undefined ? task : { ...task, budget_usd: taskBudget })),
  }));
  await beginNext(host, runId, 'first');
  return { runId, purse: purseOf(runId, 'first') };
}

const call = (usd: number | null, tokens = 100) => ({ usd, tokens });

describe('the purse of an attempt', () => {
  it('DESIGN budget: spends what the run has and not a call more', async () => {
    const { runId, purse } = await atWork({ budget_usd: 1 });
    for (let index = 0; index < 10; index += 1) unwrap(await purse.reserve(call(0.1))).settle(call(0.1));
    const refused = await purse.reserve(call(0.1));
    expect(refused).toMatchObject({ ok: false, error: { code: 'AC_BUDGET_SPENT', retry: 'never' } });
    expect(purse.refusal()?.code).toBe('AC_BUDGET_SPENT');
    const { granted } = (await runOf(host, runId)).attempts.get('first') ?? {};
    expect(granted?.usd).toBeCloseTo(1, 9);
  });

  it('DESIGN budget: what a request did not take of its bound pays for the next', async () => {
    const { runId, purse } = await atWork({ budget_usd: 0.2 });
    for (let index = 0; index < 50; index += 1) unwrap(await purse.reserve(call(0.1))).settle(call(0.002));
    expect((await purse.reserve(call(0.101))).ok).toBe(false);
    expect((await runOf(host, runId)).attempts.get('first')?.grants).toBeLessThan(20);
  });

  it('DESIGN budget: keeps requests at the same time apart', async () => {
    const { purse } = await atWork({ budget_usd: 0.35 });
    const all = await Promise.all(Array.from({ length: 8 }, () => purse.reserve(call(0.1))));
    expect(all.filter(({ ok }) => ok)).toHaveLength(3);
  });

  it('DESIGN budget: limits all models in tokens', async () => {
    const { purse } = await atWork({ budget_tokens: 250 });
    unwrap(await purse.reserve(call(null))).settle(call(null));
    unwrap(await purse.reserve(call(5))).settle(call(5));
    expect(await purse.reserve(call(null))).toMatchObject({ ok: false, error: { code: 'AC_BUDGET_SPENT' } });
    unwrap(await purse.reserve(call(null, 50)));
    expect(purse.refusal()).toBeNull();
  });

  it('DESIGN budget: refuses a model without a price where only dollars limit, and names the limit that would do', async () => {
    const { runId, purse } = await atWork({ budget_usd: 100 });
    const refused = await purse.reserve(call(null), { provider: 'openai', model: 'mystery' });
    expect(refused).toMatchObject({ ok: false, error: { code: 'AC_BUDGET_UNPRICED' } });
    expect(!refused.ok && refused.error.remedy).toContain('budget_tokens');
    await say(host.bus, runId, 'run_resume', { by: 'me', budget_tokens: 1000 });
    unwrap(await purse.reserve(call(null)));
  });

  it('DESIGN budget: goes on when a person puts more in, and minds a budget that comes while it works', async () => {
    const { runId, purse } = await atWork({});
    unwrap(await purse.reserve(call(3))).settle(call(3));
    expect((await runOf(host, runId)).attempts.get('first')?.granted).toBeNull();
    await say(host.bus, runId, 'run_resume', { by: 'me', budget_usd: 4 });
    expect((await purse.reserve(call(1.5))).ok).toBe(false);
    unwrap(await purse.reserve(call(1))).settle(call(1));
    await say(host.bus, runId, 'run_resume', { by: 'me', budget_usd: 6 });
    unwrap(await purse.reserve(call(1.5)));
  });

  it("DESIGN budget: a task's own budget limits its attempts together, whatever the run has", async () => {
    const { runId, purse } = await atWork({ budget_usd: 100 }, 1);
    unwrap(await purse.reserve(call(0.9))).settle(call(0.9));
    expect(await purse.reserve(call(0.2))).toMatchObject({ ok: false, error: { code: 'AC_BUDGET_TASK_SPENT' } });
    const run = await runOf(host, runId);
    expect(run.attempts.get('first')?.granted?.usd).toBeLessThanOrEqual(1);
  });

  it('gives nothing to an attempt that has settled, ended or is being ended', async () => {
    const { runId, purse } = await atWork({ budget_usd: 1 });
    unwrap(await purse.reserve(call(0.1)));
    expect(purse.end()).toMatchObject([{ cost_usd: 0.1, estimated: true, calls: 1 }]);
    expect(await purse.reserve(call(0.1))).toMatchObject({ ok: false, error: { code: 'AC_MODEL_ABORTED' } });
    const drafts = [settlement('a', 'first', purse.end())];
    const items = await mint(drafts, { sender: 'workers', runId, cause: 'settled', inReplyTo: null });
    unwrap(await host.bus.send(items));
    expect(await purseOf(runId, 'first').reserve(call(0.1))).toMatchObject({ ok: false });
    expect((await runOf(host, runId)).refused).toBe(0);
  });

  it('takes a slice once though the bus did not say whether it has it', async () => {
    const { runId } = await atWork({ budget_usd: 1 });
    let isUncertain = true;
    const bus = altered(host.bus, {
      send: async (items, options) => {
        const sent = await host.bus.send(items, options);
        if (!isUncertain || !sent.ok) return sent;
        isUncertain = false;
        return {
          ok: false,
          error: { code: 'AC_BUS_UNCERTAIN', message: '', cause: null, remedy: '', retry: 'now' },
        };
      },
    });
    const purse = purseOf(runId, 'first', { ...host, bus });
    unwrap(await purse.reserve(call(0.5)));
    expect((await runOf(host, runId)).attempts.get('first')).toMatchObject({ grants: 1, granted: { usd: 0.5 } });
  });
});

describe('purses of several hosts', () => {
  /** For each attempt the requests it makes: the bound in cents, and the part of it that the request comes to. */
  const spending = fc.record({
    budget: fc.integer({ min: 1, max: 60 }),
    attempts: fc.array(
      fc.array(
        fc.record({ bound: fc.integer({ min: 1, max: 20 }), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
        {
          minLength: 1,
          maxLength: 6,
        },
      ),
      { minLength: 2, maxLength: 4 },
    ),
  });

  it('DESIGN budget: never spend more than the run has, however they race', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(spending, async ({ budget, attempts }) => {
        const names = attempts.map((_, index) => `t${index}`);
        const runId = await assignedRun(host, names, { budget_usd: budget / 100 });
        const hosts = await Promise.all(names.map((name) => spendingHost(ledger, `host-${name}`)));
        for (const [index, each] of hosts.entries()) await beginNext(each, runId, `${runId}-${index}`);
        const spent = await Promise.all(
          attempts.map(async (requests, index) => {
            const purse = purseOf(runId, `${runId}-${index}`, hosts[index] ?? host);
            let sum = 0;
            for (const { bound, part } of requests) {
              const reserved = await purse.reserve(call(bound / 100));
              if (!reserved.ok) {
                expect(reserved.error.code).toBe('AC_BUDGET_SPENT');
                continue;
              }
              sum += (bound / 100) * part;
              reserved.value.settle(call((bound / 100) * part));
            }
            return sum;
          }),
        );
        const run = await runOf(host, runId);
        const granted = [...run.attempts.values()].reduce((sum, attempt) => sum + (attempt.granted?.usd ?? 0), 0);
        expect(run.refused).toBe(0);
        expect(granted).toBeLessThanOrEqual(budget / 100 + 1e-8);
        expect(spent.reduce((sum, part) => sum + part, 0)).toBeLessThanOrEqual(budget / 100 + 1e-8);
        await Promise.all(hosts.map(({ bus }) => bus.close()));
      }),
      { numRuns: 12 },
    );
  });

  it('DESIGN budget: what an attempt settles below its slices is free for the others', async () => {
    const runId = await assignedRun(host, ['a', 'b'], { budget_usd: 1 });
    await beginNext(host, runId, 'one');
    await beginNext(host, runId, 'two');
    const one = purseOf(runId, 'one');
    unwrap(await one.reserve(call(0.8))).settle(call(0.01));
    const two = purseOf(runId, 'two');
    expect((await two.reserve(call(0.5))).ok).toBe(false);
    const account = [{ ...costless, cost_usd: 0.01 }];
    const items = await mint([settlement('a', 'one', account)], {
      sender: 'workers',
      runId,
      cause: 'settled',
      inReplyTo: null,
    });
    unwrap(await host.bus.send(items));
    unwrap(await two.reserve(call(0.5)));
    expect(costOfAccount((await runOf(host, runId)).spent).usd).toBe(0.01);
  });
});

const costless = {
  provider: 'scripted',
  model: 'm',
  usage: { input: 1, output: 0, cache_read: 0, cache_write: 0 },
  calls: 1,
  estimated: false,
};
