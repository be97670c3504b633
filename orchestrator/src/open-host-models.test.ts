import { join } from 'node:path';
import type { AgentBus } from '@agentcompany/agent-bus';
import { agentDefinition, newId, success, unwrap, type RunSettings } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openEngineHome, token, type TestEngineHome } from './api/testing/engine-home.ts';
import { initHome } from './company-home.ts';
import { costOfAccount, sumCalls } from './company/sum-calls.ts';
import { errorOf, planOf, task } from './company/testing/fixtures.ts';
import { loadConfig } from './config.ts';
import type { WorkerJob } from './containers/worker-runner.ts';
import { noWayOut, nothingOpened, type OpenedServices } from './door/attempt-services.ts';
import { decideForever } from './engine/decider.ts';
import { RunFolds } from './engine/run-folds.ts';
import { envelopeTo, ledgerOnDisk, submit, type LedgerOnDisk } from './engine/testing/ledger-on-disk.ts';
import { settleJournalled } from './engine/settlement.ts';
import { hostWorkers } from './engine/worker-host.ts';
import { openEngineClient } from './hosts/engine-client.ts';
import type { ModelEvent } from './models/model.ts';
import { anthropicDialect } from './models/testing/anthropic-dialect.ts';
import { requestOf } from './models/testing/fixtures.ts';
import { openLoopbackServer, type LoopbackServer } from './models/testing/loopback-server.ts';
import { openHostModels } from './open-host-models.ts';
import { remoteModels } from './open-remote-models.ts';

// Each sets up repositories with a few calls of git.
vi.setConfig({ testTimeout: 30_000 });

const key = 'a-key-of-this-test';
let ledger: LedgerOnDisk;
let bus: AgentBus;
let server: LoopbackServer;
let engineHome: TestEngineHome;
let models: ReturnType<typeof openHostModels>;
let stop: AbortController;
let loops: Promise<unknown>[];
beforeEach(async () => {
  ledger = await ledgerOnDisk();
  bus = await ledger.open();
  server = await openLoopbackServer({ dialect: anthropicDialect, key, models: [] });
  models = modelsOfEngine();
  engineHome = await openEngineHome({ modelOf: (...asked) => models(...asked) });
  stop = new AbortController();
  loops = [];
});
afterEach(async () => {
  stop.abort();
  await Promise.all(loops);
  await server.close();
  await ledger.remove();
});

/** What an engine that has just started serves. */
function modelsOfEngine(): ReturnType<typeof openHostModels> {
  const home = unwrap(initHome(join(ledger.folder, 'home')));
  const environment = { ANTHROPIC_API_KEY: key };
  const flags = { model: 'anthropic:claude-haiku-4-5', models: { anthropic: { base_url: server.url } } };
  const { config } = unwrap(loadConfig({ home, environment, flags }));
  const onUnrecorded = (error: unknown): void => expect(error).toBeNull();
  return openHostModels({
    spending: { bus, folds: new RunFolds(bus), folders: home },
    minds: { home, environment, config, onUnrecorded },
  });
}

interface AtWork {
  readonly job: WorkerJob;
  readonly services: OpenedServices;
  /** Ends the attempt. */
  readonly end: () => void;
}

/** A company whose one task an agent carries out on another machine: everything is real but the container. */
async function atWork(settings: Partial<RunSettings> = {}): Promise<AtWork> {
  const client = unwrap(openEngineClient({ address: engineHome.api.address, token }));
  const begun = Promise.withResolvers<WorkerJob>();
  const ended = Promise.withResolvers<undefined>();
  let services = nothingOpened;
  const folds = new RunFolds(bus);
  const common = { bus, folds, leaseMs: 60_000, log: () => undefined };
  const open = remoteModels(client);
  const host = {
    ...common,
    folders: { bundlesFolder: ledger.folder, runsFolder: ledger.folder },
    instance: 'instance',
    hostId: 'host',
    runner: {
      run: async (job: WorkerJob) => {
        begun.resolve(job);
        await ended.promise;
        return { ok: false, error: errorOf('AC_WORK_FAILED', 'never') } as const;
      },
      pinImage: async () => success('sha256:image'),
      sweep: async () => success(0),
      close: async () => undefined,
    },
    repositories: {
      baseOf: async () => success({ oid: 'base', mirrorFolder: ledger.folder }),
      mirrorWith: async () => success(ledger.folder),
      deliver: async () => success(),
      deliverLog: async () => success(),
    },
    openEgress: async () => noWayOut,
    openServices: async (work: Parameters<typeof open>[0]) => {
      const opened = await open(work);
      if (!opened.ok) return opened;
      services = { ...nothingOpened, ...opened.value };
      return success(services);
    },
    maximumWorkers: 1,
    tell: () => undefined,
  };
  loops.push(hostWorkers(host, { drain: stop.signal, stop: stop.signal }));
  const planning = Promise.withResolvers<undefined>();
  const onDecided = ({ state }: { readonly state: string }): void =>
    state === 'planning' ? planning.resolve(undefined) : undefined;
  loops.push(decideForever({ ...common, signal: stop.signal, onDecided }));
  const { run: _, ...agents } = task('a', { agent: 'developer' });
  const plan = planOf({}, { tasks: [agents] });
  const definition = agentDefinition.parse({ name: 'developer', role: 'worker', max_tokens: 99, temperature: 0.5 });
  const runId = await submit(bus, plan, { agents: [definition], max_attempts: 1, ...settings });
  await planning.promise;
  const planned = { revision: 1, base_oid: 'base', plan, hash: 'h' };
  unwrap(await bus.send([{ envelope: envelopeTo(runId, 'task_plan', planned) }]));
  const job = await begun.promise;
  return { job, services, end: () => ended.resolve(undefined) };
}

async function ask(
  { models }: Pick<OpenedServices, 'models'>,
  signal = new AbortController().signal,
  text = 'Hello',
): Promise<readonly ModelEvent[]> {
  const events: ModelEvent[] = [];
  for await (const event of models?.stream(requestOf(text, { maxOutputTokens: 1_000_000 }), signal) ?? [])
    events.push(event);
  return events;
}

describe('the models of an attempt on another machine', () => {
  it('answer through the engine home, which has the key, says what it may, and tells what it took', async () => {
    const { services, end } = await atWork();
    const events = await ask(services);
    expect(events.map((event) => (event.type === 'text' ? event.text : event.type))).toEqual([
      'usage',
      'Hello',
      ', ',
      'world',
      'usage',
      'end',
    ]);
    expect(server.seen[0]?.headers['x-api-key']).toBe(key);
    expect(server.seen[0]?.body).toMatchObject({ model: 'claude-haiku-4-5', max_tokens: 99, temperature: 0.5 });
    const usage = { input: 12, output: 5, cache_read: 0, cache_write: 0 };
    const call = { provider: 'anthropic', model: 'claude-haiku-4-5', usage, cost_usd: expect.closeTo(0.000037, 9) };
    expect(services.account()).toMatchObject(
      sumCalls([{ ...call, cost_usd: 0 }]).map((line) => ({ ...line, ...call })),
    );
    end();
  });

  it('stays within the run’s budget, and says why it was refused', async () => {
    const { services, end } = await atWork({ budget_usd: 0.000_01 });
    const [refused] = await ask(services);
    expect(refused).toMatchObject({ type: 'failed', error: { code: 'AC_BUDGET_SPENT' } });
    expect([services.refusal()?.code, services.account(), server.seen]).toEqual(['AC_BUDGET_SPENT', [], []]);
    end();
  });

  it('goes on where the engine home was away, and pays nothing twice', async () => {
    const { services, end } = await atWork();
    await ask(services);
    await engineHome.api.close();
    const asked = ask(services);
    models = modelsOfEngine();
    await engineHome.reopen();
    expect((await asked).at(-1)).toMatchObject({ type: 'end' });
    expect(server.seen).toHaveLength(1);
    await ask(services, undefined, 'Something else');
    expect([server.seen.length, services.account()[0]?.calls]).toEqual([2, 2]);
    end();
  });

  it('DESIGN budget: spends no slice twice where engines start again and again, and is not taken for dead', async () => {
    const limit = 10_000;
    const usage = { input: 900, output: 90, cacheRead: 0, cacheWrite: 0 };
    const { job, services, end } = await atWork({ budget_tokens: limit });
    const folds = new RunFolds(bus);
    const folders = unwrap(initHome(join(ledger.folder, 'home')));
    let calls = 0;
    let refusal: ModelEvent | undefined;
    while (refusal === undefined && calls < 100) {
      server.next({ kind: 'answer', answer: { texts: ['Hello'], usage } });
      const last = (await ask(services, undefined, `Question ${calls}`)).at(-1);
      if (last?.type === 'failed') refusal = last;
      else calls += 1;
      // As an engine does at its start.
      const run = unwrap(await folds.refresh(job.owner.run));
      if (run !== null) unwrap(await settleJournalled({ bus, folders }, run));
      models = modelsOfEngine();
    }
    const tokens = costOfAccount(services.account()).tokens;
    end();
    expect(refusal).toMatchObject({ error: { code: 'AC_BUDGET_SPENT' } });
    expect(tokens).toBeLessThanOrEqual(limit);
    expect(calls).toBeGreaterThan(5);
  });

  it('is refused for an attempt that is over, or never was, and for what is no request', async () => {
    const { job, services, end } = await atWork();
    const { attempt, run } = job.owner;
    const headers = { 'authorization': `Bearer ${token}`, 'content-type': 'application/json' };
    const post = (path: string, body: string) => engineHome.call('POST', path, headers, body);
    const body = JSON.stringify(requestOf('Hello'));
    const path = `/v1/attempts/${attempt}/model?run=${run}`;
    expect((await post(`/v1/attempts/${newId()}/model?run=${run}`, body)).status).toBe(410);
    expect((await post(`/v1/attempts/${attempt}/model?run=${newId()}`, body)).status).toBe(410);
    for (const wrong of [
      '{}',
      '[]',
      '{',
      JSON.stringify({ ...requestOf('x'), model: 'dear' }),
      body.replace('Hello', '\\ud800'),
    ])
      expect((await post(path, wrong)).status).toBe(400);
    expect(server.seen).toEqual([]);
    expect((await post(path, body)).status).toBe(200);
    end();
    await expect.poll(async () => (await post(path, body)).status).toBe(410);
    expect(await ask(services)).toMatchObject([{ type: 'failed', error: { code: 'AC_HOST_REFUSED' } }]);
  });

  it('ends the call at the provider when the worker gives it up', async () => {
    const { services, end } = await atWork();
    server.next({ kind: 'half', afterwards: 'silence', answer: {} });
    const gone = new AbortController();
    const asked = ask(services, gone.signal);
    await expect.poll(() => server.seen.length).toBe(1);
    gone.abort();
    expect((await asked).at(-1)).toMatchObject({ type: 'failed' });
    server.next({ kind: 'answer', answer: {} });
    expect((await ask(services)).at(-1)).toMatchObject({ type: 'end' });
    expect(server.seen).toHaveLength(2);
    end();
  });
});
