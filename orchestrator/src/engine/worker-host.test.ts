import type { AgentBus } from '@agentcompany/agent-bus';
import { companyStream, failure, success, unwrap, type Result, type RunSettings } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { record } from '../company/decide/draft.ts';
import type { Run } from '../company/records.ts';
import { errorOf, planOf, task } from '../company/testing/fixtures.ts';
import type { WorkerJob, WorkerOutcome } from '../containers/worker-runner.ts';
import { decideForever } from './decider.ts';
import { HostHealth } from './host-health.ts';
import type { HostParts } from './host-parts.ts';
import { mint } from './mint.ts';
import { RunFolds } from './run-folds.ts';
import { altered, envelopeTo, ledgerOnDisk, submit, type LedgerOnDisk } from './testing/ledger-on-disk.ts';
import { hostWorkers } from './worker-host.ts';
import { noWayOut, nothingOpened } from '../door/attempt-services.ts';

let ledger: LedgerOnDisk;
let bus: AgentBus;
let stop: AbortController;
let loops: Promise<unknown>[];
let health: HostHealth;
beforeEach(async () => {
  ledger = await ledgerOnDisk();
  // The store's clock is ahead: work given back for later is due at once.
  bus = await ledger.open({ ahead: 3_600_000 });
  stop = new AbortController();
  loops = [];
  health = new HostHealth({ onSetAside: () => undefined, cooldownMs: 0 });
});
afterEach(async () => {
  stop.abort();
  await Promise.all(loops);
  await ledger.remove();
});

/** The parts of a worker host; `carryOut` stands for the container, whose real form is tested with a real engine. */
function partsOf(carryOut: (job: WorkerJob) => Promise<Result<WorkerOutcome>>): HostParts {
  const folder = ledger.folder;
  return {
    folders: { bundlesFolder: folder, runsFolder: folder },
    instance: 'instance',
    hostId: 'host',
    bus,
    folds: new RunFolds(bus),
    runner: {
      run: carryOut,
      pinImage: async () => success('sha256:image'),
      sweep: async () => success(0),
      close: async () => undefined,
    },
    repositories: {
      baseOf: async () => success({ oid: 'base', mirrorFolder: folder }),
      mirrorWith: async () => success(folder),
      deliver: async () => success(),
      deliverLog: async () => success(),
    },
    openServices: async () => success(nothingOpened),
    openEgress: async () => noWayOut,
    maximumWorkers: 1,
    leaseMs: 60_000,
    log: () => undefined,
    tell: () => undefined,
  };
}

/** A company with a plan: the decider over a real bus. */
async function withoutHost(
  { folds, log }: HostParts,
  plan = planOf({ a: [] }),
  settings: Partial<RunSettings> = {},
): Promise<{ readonly runId: string; readonly until: (holds: (run: Run) => boolean) => Promise<Run> }> {
  const waiting = new Set<(run: Run) => void>();
  const onDecided = (run: Run): void => waiting.forEach((tell) => tell(run));
  const until = (holds: (run: Run) => boolean): Promise<Run> =>
    new Promise((resolve) => waiting.add((run) => holds(run) && resolve(run)));
  loops.push(decideForever({ bus, folds, leaseMs: 60_000, signal: stop.signal, log, onDecided }));
  const planning = until((run) => run.state === 'planning');
  const runId = await submit(bus, plan, settings);
  await planning;
  unwrap(
    await bus.send([{ envelope: envelopeTo(runId, 'task_plan', { revision: 1, base_oid: 'base', plan, hash: 'h' }) }]),
  );
  return { runId, until };
}

/** A company with one task at work: the decider and one worker host over a real bus. */
function atWork(
  carryOut: (job: WorkerJob) => Promise<Result<WorkerOutcome>>,
  changes: Partial<HostParts> = {},
  repositories: Partial<HostParts['repositories']> = {},
  settings: Partial<RunSettings> = {},
): ReturnType<typeof withoutHost> {
  const parts = partsOf(carryOut);
  const host = { ...parts, repositories: { ...parts.repositories, ...repositories }, ...changes };
  loops.push(hostWorkers(host, { drain: stop.signal, stop: stop.signal }, health));
  return withoutHost(parts, planOf({ a: [] }), settings);
}

const command = { command: 'true', exit_code: 0, duration_ms: 1, output: '' };
/** What a worker that did its work brings. */
const delivered: WorkerOutcome = {
  report: { outcome: 'done', commit: 'commit', tree: 'tree', agent: command, verify: [], error: null },
  bundle: { sha256: 'digest', bytes: 1 },
};

async function isAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
}

const cancel = { by: 'president', reason: 'not wanted' };

describe('a worker host', () => {
  it('ends the container of a cancelled task, and the run with it', async () => {
    let begun = (): void => undefined;
    const isAtWork = new Promise<void>((resolve) => (begun = resolve));
    const { runId, until } = await atWork(async ({ signal }) => {
      begun();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return { ok: false, error: errorOf('AC_WORKER_CANCELLED', 'never') };
    });
    await isAtWork;
    const ended = until((run) => run.state === 'cancelled');
    unwrap(await bus.send([{ envelope: envelopeTo(runId, 'run_cancel', cancel) }]));
    expect((await ended).tasks.get('a')?.state).toBe('cancelled');
  });

  const revision = {
    revision: 2,
    reason: 'other',
    by: 'president',
    add: [task('a2')],
    supersede: [{ task_id: 'a', by: 'a2' }],
    feedback: null,
  };

  it('ends the container of a task that a change of the plan takes back, and works on its successor', async () => {
    const aborted: string[] = [];
    let begun = (): void => undefined;
    const isAtWork = new Promise<void>((resolve) => (begun = resolve));
    const { runId, until } = await atWork(async ({ owner, signal }) => {
      begun();
      await isAborted(signal);
      aborted.push(owner.task);
      return { ok: false, error: errorOf('AC_WORKER_CANCELLED', 'never') };
    });
    await isAtWork;
    const moved = until(({ tasks }) => tasks.get('a')?.state === 'cancelled' && tasks.get('a2')?.rounds === 1);
    unwrap(await bus.send([{ envelope: envelopeTo(runId, 'plan_revision', revision) }]));
    await moved;
    expect(aborted).toEqual(['a']);
  });

  it('lets go of work that a change of the plan took back while its host died', async () => {
    const parts = partsOf(async ({ signal }) => {
      await isAborted(signal);
      return { ok: false, error: errorOf('AC_WORKER_CANCELLED', 'never') };
    });
    const { runId, until } = await withoutHost(parts);
    const [delivery] = unwrap(await bus.receive('workers', { max: 1, waitMs: 5000, leaseMs: 1 }));
    const started = { attempt_id: 'first', round: 1, epoch: 1, host_id: 'h', slot: 's', base_oid: 'base' };
    const draft = record('attempt_started', started, { taskId: 'a', attemptId: 'first' });
    const origin = { sender: 'workers', runId, cause: 'first', inReplyTo: delivery?.envelope.id ?? null };
    unwrap(await bus.send(await mint([draft], origin)));
    const cancelling = until(({ tasks }) => tasks.get('a')?.state === 'cancelling');
    unwrap(await bus.send([{ envelope: envelopeTo(runId, 'plan_revision', revision) }]));
    await cancelling;
    const cancelled = until(({ tasks }) => tasks.get('a')?.state === 'cancelled');
    loops.push(hostWorkers(parts, { drain: stop.signal, stop: stop.signal }));
    expect((await cancelled).attempts.get('first')).toMatchObject({ state: 'lost', error: { code: 'AC_HOST_DIED' } });
  });

  it.each([true, false])(
    'keeps what a worker brought until its turn has come; still wanted then: %s',
    async (isWanted) => {
      let mayFinish = false;
      let asked = (): void => undefined;
      const isAsked = new Promise<void>((resolve) => (asked = resolve));
      const mayGoOn = (_run: Run, step: string, taskId: string): boolean => {
        if (step === 'finish' && taskId === 'a') asked();
        return mayFinish;
      };
      const turns = { mayStart: () => true, mayMerge: () => true, mayGoOn };
      const bring = async ({ onCreated }: WorkerJob): Promise<Result<WorkerOutcome>> => {
        unwrap(await onCreated('container'));
        return success(delivered);
      };
      const { runId, until } = await atWork(bring, { turns });
      await isAsked;
      const before = unwrap(await bus.readStream(runId, { after: 0 }));
      expect(before.map(({ envelope }) => envelope.envelope_type)).not.toContain('task_complete');
      const ended = until(({ state, tasks }) => state === 'cancelled' || tasks.get('a')?.state === 'quality_check');
      if (isWanted) mayFinish = true;
      else unwrap(await bus.send([{ envelope: envelopeTo(runId, 'run_cancel', cancel) }]));
      expect((await ended).tasks.get('a')?.state).toBe(isWanted ? 'quality_check' : 'cancelled');
    },
  );

  it('says how a worker stands that shows no progress, and ends it when the engine gives it up', async () => {
    let ended = 0;
    // The store's clock is far ahead: each look at the worker is due at once.
    const { until, runId } = await atWork(
      async ({ onSign, signal }) => {
        onSign?.({ message: 'turn 7: run_command', step: 4, allowed_seconds: 0 });
        await isAborted(signal);
        ended += 1;
        return { ok: false, error: errorOf('AC_WORKER_CANCELLED', 'never') };
      },
      {},
      {},
      { quiet_seconds: 600, max_attempts: 2 },
    );
    const run = await until(({ state }) => state === 'needs_attention');
    await expect.poll(() => ended).toBe(2);
    const attempts = [...run.attempts.values()];
    expect(attempts.map(({ error }) => error?.code)).toEqual(['AC_WORKER_QUIET', 'AC_WORKER_QUIET']);
    for (const { watch } of attempts) {
      expect(watch.answered).toBe(watch.asked);
      // A sign that comes after the first question is progress: then two more are asked.
      expect([2, 3]).toContain(watch.asked);
    }
    const answers = unwrap(await bus.readStream(runId, { after: 0 })).filter(
      ({ envelope }) => envelope.envelope_type === 'status_response',
    );
    expect(answers.map(({ envelope }) => envelope.payload)).toContainEqual(
      expect.objectContaining({ status: 'turn 7: run_command', steps: 1, turn: 0 }),
    );
    expect(run.tasks.get('a')?.error?.message).toContain('turn 7: run_command');
  });

  it('lets a cancelled run end though the container engine went away under it', async () => {
    let begun = (): void => undefined;
    let fail = (): void => undefined;
    const isAtWork = new Promise<void>((resolve) => (begun = resolve));
    const isAway = new Promise<void>((resolve) => (fail = resolve));
    const { runId, until } = await atWork(async () => {
      begun();
      await isAway;
      return { ok: false, error: errorOf('AC_ENGINE_AWAY', 'later') };
    });
    await isAtWork;
    const cancelling = until((run) => run.counts.cancelling === 1);
    const cancelled = until((run) => run.state === 'cancelled');
    unwrap(await bus.send([{ envelope: envelopeTo(runId, 'run_cancel', cancel) }]));
    await cancelling;
    fail();
    const run = await cancelled;
    expect([...run.attempts.values()].map(({ state, error }) => [state, error?.code])).toStrictEqual([
      ['lost', 'AC_ENGINE_AWAY'],
    ]);
  });

  it('asks a person once the container engine stays away', async () => {
    let tries = 0;
    const { until } = await atWork(
      async () => ((tries += 1), { ok: false, error: errorOf('AC_ENGINE_AWAY', 'later') }),
    );
    const run = await until(({ state }) => state === 'needs_attention');
    expect([tries, run.error?.code, run.tasks.get('a')?.state]).toStrictEqual([5, 'AC_ENGINE_AWAY', 'awaiting_person']);
    expect([...run.attempts.values()].map(({ state }) => state)).toStrictEqual([
      'lost',
      'lost',
      'lost',
      'lost',
      'lost',
    ]);
  });

  it('C15 is set aside once its engine fails time and again: what it held goes to another host and costs no task an attempt', async () => {
    const alerts: unknown[] = [];
    const alerting = bus.watch({ after: unwrap(await bus.lastPosition()), signal: stop.signal });
    loops.push(
      (async () => {
        for await (const { stream, envelope } of alerting)
          if (stream === companyStream) alerts.push([envelope.envelope_type, envelope.payload['subject']]);
      })(),
    );
    const setAside = Promise.withResolvers<void>();
    let tries = 0;
    const broken = { ...partsOf(async () => ((tries += 1), failure(errorOf('AC_ENGINE_STOPPED', 'later')))) };
    const report = (event: string): void => (event === 'set-aside' ? setAside.resolve() : undefined);
    loops.push(hostWorkers({ ...broken, hostId: 'broken', tell: report }, { drain: stop.signal, stop: stop.signal }));
    const parts = partsOf(async () => ({ ok: false, error: errorOf('AC_WORK_FAILED', 'never') }));
    const { until } = await withoutHost(parts, planOf({ a: [], b: [] }));
    await setAside.promise;
    loops.push(hostWorkers({ ...parts, hostId: 'sound' }, { drain: stop.signal, stop: stop.signal }));
    const run = await until(({ counts }) => counts.failed === 2);
    expect(tries).toBe(3);
    const ends = [...run.attempts.values()].map(({ hostId, state }) => `${hostId} ${state}`);
    expect(ends.toSorted()).toStrictEqual([
      'broken lost',
      'broken lost',
      'broken lost',
      'sound rejected',
      'sound rejected',
    ]);
    expect(alerts).toStrictEqual([['escalate', 'worker host']]);
  });

  it('repeats what it has to say while the bus is away: a result is not lost for a link that is down', async () => {
    let refusals = 0;
    const shaky = altered(bus, {
      complete: async (delivery, items, options) => {
        const isResult = items.some(({ envelope }) => envelope.envelope_type === 'task_failed');
        if (isResult && (refusals += 1) <= 3) return { ok: false, error: errorOf('AC_BUS_UNCERTAIN', 'now') };
        return bus.complete(delivery, items, options);
      },
    });
    const { until } = await atWork(async () => ({ ok: false, error: errorOf('AC_WORK_FAILED', 'never') }), {
      bus: shaky,
    });
    const run = await until(({ tasks }) => tasks.get('a')?.state === 'failed');
    expect([refusals, run.attempts.size]).toStrictEqual([4, 1]);
  });

  it('hands a result over before it says that there is one', async () => {
    const order: string[] = [];
    const deliver: HostParts['repositories']['deliver'] = async ({ sha256 }) => {
      order.push(`deliver ${sha256}`);
      return success();
    };
    const watched = altered(bus, {
      complete: async (delivery, items, options) => {
        for (const { envelope } of items)
          if (envelope.envelope_type === 'task_complete') order.push(envelope.envelope_type);
        return bus.complete(delivery, items, options);
      },
    });
    const carryOut = async ({ onCreated }: WorkerJob): Promise<Result<WorkerOutcome>> => {
      unwrap(await onCreated('container'));
      return success(delivered);
    };
    const { until } = await atWork(carryOut, { bus: watched }, { deliver });
    await until(({ tasks }) => tasks.get('a')?.state === 'quality_check');
    expect(order).toStrictEqual(['deliver digest', 'task_complete']);
  });

  it('ends its container and keeps silent when its lease is lost, and the work begins anew under a higher epoch', async () => {
    let isCut = true;
    const ends: string[] = [];
    const cut = altered(bus, {
      extend: (...parameters) => (isCut ? new Promise(() => undefined) : bus.extend(...parameters)),
    });
    const carryOut = async ({ signal }: WorkerJob): Promise<Result<WorkerOutcome>> => {
      if (!isCut) return { ok: false, error: errorOf('AC_WORK_FAILED', 'never') };
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      ends.push('container ended');
      isCut = false;
      return { ok: false, error: errorOf('AC_WORKER_CANCELLED', 'never') };
    };
    const { until } = await atWork(carryOut, { bus: cut, leaseMs: 1500 });
    const run = await until(({ tasks }) => tasks.get('a')?.state === 'failed');
    expect(ends).toStrictEqual(['container ended']);
    expect([...run.attempts.values()].map(({ epoch, state, error }) => [epoch, state, error?.code])).toStrictEqual([
      [1, 'lost', 'AC_HOST_DIED'],
      [2, 'rejected', 'AC_WORK_FAILED'],
    ]);
    expect(run.refused).toBe(0);
  });

  it('begins no attempt when another host has begun it since it looked', async () => {
    let isFirst = true;
    const late = altered(bus, {
      send: async (items, options) => {
        const begins = items.find(({ envelope }) => envelope.envelope_type === 'attempt_started');
        if (begins !== undefined && isFirst) {
          isFirst = false;
          // A host that was cut off from an earlier lease of the same work: its word arrives first.
          const stale = { ...begins.envelope.payload, attempt_id: 'stale', epoch: 0 };
          const { context, inReplyTo } = begins.envelope;
          const more = { inReplyTo, context: { ...context, attempt_id: 'stale' } };
          unwrap(await bus.send([{ envelope: envelopeTo(context.run_id ?? '', 'attempt_started', stale, more) }]));
        }
        return bus.send(items, options);
      },
    });
    const { until } = await atWork(async () => ({ ok: false, error: errorOf('AC_WORK_FAILED', 'never') }), {
      bus: late,
    });
    const run = await until(({ tasks }) => tasks.get('a')?.state === 'failed');
    expect([...run.attempts.values()].map(({ epoch, state }) => [epoch, state])).toStrictEqual([
      [0, 'lost'],
      [1, 'rejected'],
    ]);
    expect(run.refused).toBe(0);
  });

  it('that is to drain takes nothing more and finishes what it has', async () => {
    const begun = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const draining = new AbortController();
    const parts = partsOf(async () => {
      begun.resolve();
      await finish.promise;
      return { ok: false, error: errorOf('AC_WORK_FAILED', 'never') };
    });
    const hosting = hostWorkers(parts, { drain: draining.signal, stop: stop.signal });
    const { until } = await withoutHost(parts, planOf({ a: [], b: [] }));
    await begun.promise;
    draining.abort();
    const settled = until(({ tasks }) => tasks.get('a')?.state === 'failed');
    finish.resolve();
    unwrap(await hosting);
    const run = await settled;
    expect([run.tasks.get('b')?.state, run.attempts.size]).toStrictEqual(['assigned', 1]);
  });
});
