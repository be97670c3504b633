import { appendFile } from 'node:fs/promises';
import { success, unwrap, type Result } from '@agentcompany/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { errorOf } from '../company/testing/fixtures.ts';
import { viewOf } from '../company/view.ts';
import type { WorkerJob, WorkerOutcome } from '../containers/worker-runner.ts';
import { noWayOut, nothingOpened, type AttemptModels, type OpenedServices } from '../door/attempt-services.ts';
import type { HostParts } from './host-parts.ts';
import { letGo } from './let-go.ts';
import { spendingFile } from './run-files.ts';
import { settleJournalled } from './settlement.ts';
import type { LedgerOnDisk } from './testing/ledger-on-disk.ts';
import {
  assignedRun,
  beginNext,
  decideAll,
  openSpending,
  runOf,
  say,
  spendingHost,
  type Spending,
  type SpendingHost,
} from './testing/spending-run.ts';
import { hostWorkers } from './worker-host.ts';

let ledger: LedgerOnDisk;
let host: SpendingHost;
let purseOf: Spending['purseOf'];
let closePurses: Spending['closePurses'];
beforeEach(async () => {
  const spending = await openSpending();
  ({ ledger, host, purseOf, closePurses } = spending);
  return spending.dispose;
});

const called = { provider: 'openai', model: 'gpt' };

/** An attempt whose host dies after a call of a cent, with another one of ten cents under way. */
async function killed(settings = { budget_usd: 1 }): Promise<string> {
  const runId = await assignedRun(host, ['a'], settings);
  await beginNext(host, runId, 'first');
  const purse = purseOf(runId, 'first');
  unwrap(await purse.reserve({ usd: 0.1, tokens: 1000 }, called)).settle({ usd: 0.01, tokens: 90 });
  unwrap(await purse.reserve({ usd: 0.1, tokens: 1000 }, called));
  return runId;
}

/** What the attempt came to by the ledger. */
async function accountOf(runId: string, attemptId = 'first') {
  return (await runOf(host, runId)).attempts.get(attemptId)?.account;
}

const fromJournal = [{ ...called, calls: 2, cost_usd: 0.11, estimated: true }];

/** Takes up what the dead host left once its lease has lapsed. */
async function takeUp(other: SpendingHost, runId: string): Promise<void> {
  const late = await ledger.open({ ahead: 3_600_000 });
  await beginNext({ ...other, bus: late }, runId, 'second');
}

describe('an attempt whose host died', () => {
  it('DESIGN budget: settles as its journal says when the same machine takes its work up', async () => {
    const runId = await killed();
    await takeUp(host, runId);
    expect(await accountOf(runId)).toMatchObject(fromJournal);
    const { cost, task_list: tasks } = viewOf(await runOf(host, runId));
    expect(cost).toMatchObject({ usd: 0.11, calls: 2, tokens: 1090, estimated: true });
    expect(tasks[0]?.attempts.map(({ state }) => state)).toStrictEqual(['lost', 'starting']);
  });

  it('DESIGN budget: settles with the whole of its slices where another machine takes it up', async () => {
    const runId = await killed();
    const granted = (await runOf(host, runId)).attempts.get('first')?.granted?.usd;
    await takeUp(await spendingHost(ledger, 'elsewhere'), runId);
    expect(await accountOf(runId)).toMatchObject([{ provider: 'unknown', cost_usd: granted, estimated: true }]);
  });

  it('DESIGN budget: counts a call at its bound where the disk kept only the half of its end', async () => {
    const runId = await killed();
    await closePurses();
    await appendFile(spendingFile(host.folders, runId, 'first'), '{"call":2,"cost":{"usd":0.0');
    await takeUp(host, runId);
    expect(await accountOf(runId)).toMatchObject(fromJournal);
  });

  it('DESIGN budget: is settled at the start of its host, and once', async () => {
    const runId = await killed();
    unwrap(await settleJournalled(host, await runOf(host, runId)));
    expect(await accountOf(runId)).toMatchObject(fromJournal);
    const { version } = await runOf(host, runId);
    unwrap(await settleJournalled(host, await runOf(host, runId)));
    expect((await runOf(host, runId)).version).toBe(version);
    await takeUp(host, runId);
    expect([(await runOf(host, runId)).refused, viewOf(await runOf(host, runId)).cost.usd]).toStrictEqual([0, 0.11]);
  });

  it('is settled when its run is cancelled meanwhile', async () => {
    const runId = await killed();
    await say(host.bus, runId, 'run_cancel', { by: 'me', reason: 'no' });
    const run = await decideAll(host, runId);
    const late = await ledger.open({ ahead: 3_600_000 });
    const [delivery] = unwrap(await late.receive('workers', { max: 1, waitMs: 0, leaseMs: 60_000 }));
    if (delivery === undefined) throw new Error('nothing waits');
    unwrap(await letGo({ ...host, bus: late }, run, delivery));
    expect(await decideAll(host, runId)).toMatchObject({ state: 'cancelled', refused: 0 });
    expect(await accountOf(runId)).toMatchObject(fromJournal);
  });

  it('settles with the whole of its slices where nobody ever takes it up', async () => {
    const runId = await killed();
    const late = await ledger.open({ ahead: 3_600_000 });
    const [delivery] = unwrap(await late.receive('workers', { max: 1, waitMs: 0, leaseMs: 60_000 }));
    if (delivery === undefined) throw new Error('nothing waits');
    unwrap(await late.reject(delivery, errorOf('AC_BUS_DELIVERIES'), []));
    const [letter] = unwrap(await late.receive('engine', { max: 16, waitMs: 0, leaseMs: 60_000 })).filter(
      ({ envelope }) => envelope.envelope_type === 'dead_letter',
    );
    const { decideOnTrigger } = await import('../company/decide/decide.ts');
    if (letter === undefined) throw new Error('no dead letter');
    const drafts = decideOnTrigger(await runOf(host, runId), letter.envelope);
    expect(drafts.map(({ type }) => type)).toStrictEqual(['task_state', 'budget_settle']);
  });
});

describe('an attempt that runs out of money', () => {
  /** A host whose containers make requests of ten cents until one is refused, then fail of it in their own words. */
  function spender(dead: string[]): HostParts['openServices'] {
    return async ({ run, attempt }) => {
      const purse = purseOf(run.id, attempt.id);
      let calls = 0;
      const models: AttemptModels = {
        modelName: 'gpt',
        maxOutputTokens: 1,
        temperature: null,
        stream: async function* () {
          const reserved = await purse.reserve({ usd: 0.1, tokens: 10 }, called);
          if (!reserved.ok) return yield { type: 'failed', error: reserved.error, retryAfterMs: null };
          calls += 1;
          reserved.value.settle({ usd: 0.1, tokens: 10 });
          yield { type: 'end', stop: 'finished' };
        },
      };
      dead.push(attempt.id);
      const services: OpenedServices = {
        ...nothingOpened,
        models,
        account: () => [
          {
            ...called,
            usage: { input: 10 * calls, output: 0, cache_read: 0, cache_write: 0 },
            cost_usd: calls / 10,
            calls,
            estimated: false,
          },
          ...purse.end(),
        ],
        refusal: () => purse.refusal(),
        close: () => purse.close(),
      };
      return success(services);
    };
  }

  async function spendAll({ services, signal }: WorkerJob): Promise<Result<WorkerOutcome>> {
    for (;;) {
      for await (const event of services.models?.stream(anything, signal) ?? [])
        if (event.type === 'failed') {
          const error = errorOf('AC_AGENT_FAILED');
          const report = { outcome: 'failed' as const, commit: null, tree: null, agent: null, verify: [], error };
          return success({ report, bundle: null });
        }
    }
  }

  it('DESIGN budget: waits for a person, burns nothing, and goes on with what that person puts in', async () => {
    const runId = await assignedRun(host, ['a'], { budget_usd: 0.25 });
    const opened: string[] = [];
    const stop = new AbortController();
    const repositories: HostParts['repositories'] = {
      baseOf: async () => success({ oid: 'base', mirrorFolder: ledger.folder }),
      mirrorWith: async () => success(ledger.folder),
      deliver: async () => success(),
      deliverLog: async () => success(),
    };
    const parts: HostParts = {
      ...host,
      instance: 'instance',
      runner: {
        run: spendAll,
        pinImage: async () => success('sha256:image'),
        sweep: async () => success(0),
        close: async () => undefined,
      },
      repositories,
      openEgress: async () => noWayOut,
      openServices: spender(opened),
      maximumWorkers: 1,
      leaseMs: 60_000,
      log: () => undefined,
      tell: () => undefined,
    };
    const working = hostWorkers(parts, { drain: stop.signal, stop: stop.signal });
    const settledAs = async (usd: number): Promise<void> => {
      for await (const { envelope } of host.bus.watch({ after: 0, signal: stop.signal }))
        if (envelope.envelope_type === 'budget_settle' && viewOf(await runOf(host, runId)).cost.usd === usd) return;
    };
    await settledAs(0.2);
    const run = await decideAll(host, runId);
    expect([run.state, run.error?.code, run.tasks.get('a')?.state]).toStrictEqual([
      'needs_attention',
      'AC_BUDGET_SPENT',
      'awaiting_person',
    ]);
    expect(opened).toHaveLength(1);
    await say(host.bus, runId, 'run_resume', { by: 'me', budget_usd: 0.5 });
    await decideAll(host, runId);
    await settledAs(0.5);
    stop.abort();
    unwrap(await working);
    expect(viewOf(await decideAll(host, runId))).toMatchObject({
      state: 'needs_attention',
      budget: { usd: 0.5, tokens: null },
      cost: { usd: 0.5, calls: 5, unpriced_calls: 0, estimated: false },
    });
    expect((await runOf(host, runId)).refused).toBe(0);
  });
});

const anything = {
  system: '',
  messages: [],
  tools: [],
  answerSchema: null,
  maxOutputTokens: 1,
  temperature: null,
  cachePrefix: false,
};
