import type { AgentBus } from '@agentcompany/agent-bus';
import { success, unwrap, type Result } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Run } from '../company/records.ts';
import { errorOf, planOf } from '../company/testing/fixtures.ts';
import type { WorkerJob, WorkerOutcome } from '../containers/worker-runner.ts';
import { decideForever } from './decider.ts';
import type { EngineParts } from './parts.ts';
import { RunFolds } from './run-folds.ts';
import { envelopeTo, ledgerOnDisk, submit, type LedgerOnDisk } from './testing/ledger-on-disk.ts';
import { hostWorkers } from './worker-host.ts';

let ledger: LedgerOnDisk;
let bus: AgentBus;
let stop: AbortController;
let loops: Promise<unknown>[];
beforeEach(async () => {
  ledger = await ledgerOnDisk();
  // The store's clock is ahead: work given back for later is due at once.
  bus = await ledger.open({ ahead: 3_600_000 });
  stop = new AbortController();
  loops = [];
});
afterEach(async () => {
  stop.abort();
  await Promise.all(loops);
  await ledger.remove();
});

/** The parts a worker host touches; `carryOut` stands for the container, whose real form is tested with a real engine. */
function partsOf(carryOut: (job: WorkerJob) => Promise<Result<WorkerOutcome>>): EngineParts {
  const folder = ledger.folder;
  const known: Partial<EngineParts> = {
    home: { bundlesFolder: folder, runsFolder: folder } as EngineParts['home'],
    instance: 'instance',
    hostId: 'host',
    bus,
    folds: new RunFolds(bus),
    runner: { run: carryOut, sweep: async () => success(0), close: async () => undefined },
    project: async () =>
      success({ repositories: { mirrorFolder: folder, runTip: async () => success('base') } } as never),
    maximumWorkers: 1,
    leaseMs: 60_000,
    log: () => undefined,
  };
  return known as EngineParts;
}

/** A company with one task at work: the decider and one worker host over a real bus. */
async function atWork(
  carryOut: (job: WorkerJob) => Promise<Result<WorkerOutcome>>,
): Promise<{ readonly runId: string; readonly until: (holds: (run: Run) => boolean) => Promise<Run> }> {
  const waiting = new Set<(run: Run) => void>();
  const onDecided = (run: Run): void => waiting.forEach((tell) => tell(run));
  const until = (holds: (run: Run) => boolean): Promise<Run> =>
    new Promise((resolve) => waiting.add((run) => holds(run) && resolve(run)));
  const parts = partsOf(carryOut);
  const deciding = { bus, folds: parts.folds, leaseMs: 60_000, signal: stop.signal, log: parts.log, onDecided };
  loops.push(decideForever(deciding), hostWorkers(parts, stop.signal));
  const plan = planOf({ a: [] });
  const planning = until((run) => run.state === 'planning');
  const runId = await submit(bus, plan);
  await planning;
  unwrap(
    await bus.send([{ envelope: envelopeTo(runId, 'task_plan', { revision: 1, base_oid: 'base', plan, hash: 'h' }) }]),
  );
  return { runId, until };
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
});
