import { join } from 'node:path';
import type { AgentBus } from '@agentcompany/agent-bus';
import { unwrap, type PayloadOf, type Plan, type RunSettings } from '@agentcompany/protocol';
import { planOf } from '../../company/testing/fixtures.ts';
import type { Run } from '../../company/records.ts';
import { beginAttempt, type Attempt } from '../attempt.ts';
import { openAttemptPurse, type AttemptPurse } from '../attempt-purse.ts';
import { settle } from '../decider.ts';
import type { HostParts } from '../host-parts.ts';
import { RunFolds } from '../run-folds.ts';
import { envelopeTo, ledgerOnDisk, submit, type LedgerOnDisk } from './ledger-on-disk.ts';

/** The parts of a host that spending needs: a connection to the bus of its own, as another process has. */
export async function spendingHost(
  ledger: LedgerOnDisk,
  hostId = 'host',
): Promise<Pick<HostParts, 'bus' | 'folds' | 'folders' | 'hostId'>> {
  const bus = await ledger.open();
  const folder = join(ledger.folder, hostId);
  return { bus, folds: new RunFolds(bus), folders: { bundlesFolder: folder, runsFolder: folder }, hostId };
}

export type SpendingHost = Awaited<ReturnType<typeof spendingHost>>;

/** A ledger, a host on it, and purses of attempts that are closed with it. */
export interface Spending {
  readonly ledger: LedgerOnDisk;
  readonly host: SpendingHost;
  readonly purseOf: (runId: string, attemptId: string, parts?: SpendingHost) => AttemptPurse;
  readonly closePurses: () => Promise<unknown>;
  readonly dispose: () => Promise<void>;
}

export async function openSpending(): Promise<Spending> {
  const ledger = await ledgerOnDisk();
  const host = await spendingHost(ledger);
  const purses: AttemptPurse[] = [];
  const closePurses = (): Promise<unknown> => Promise.all(purses.map((purse) => purse.close()));
  return {
    closePurses,
    ledger,
    host,
    purseOf: (runId, attemptId, parts = host) => {
      const purse = openAttemptPurse(parts, runId, attemptId);
      purses.push(purse);
      return purse;
    },
    dispose: async () => {
      await closePurses();
      await ledger.remove();
    },
  };
}

/** What the engine decides of a run by itself. */
export async function decideAll({ bus, folds }: Pick<SpendingHost, 'bus' | 'folds'>, runId: string): Promise<Run> {
  const { signal } = new AbortController();
  const options = { bus, folds, leaseMs: 60_000, signal, log: () => undefined, onDecided: () => undefined };
  unwrap(await settle(options, runId));
  return runOf({ folds }, runId);
}

export async function runOf({ folds }: Pick<SpendingHost, 'folds'>, runId: string): Promise<Run> {
  const run = unwrap(await folds.refresh(runId));
  if (run === null) throw new Error(`no run ${runId}`);
  return run;
}

export async function say(
  bus: AgentBus,
  runId: string,
  type: Parameters<typeof envelopeTo>[1],
  payload: Readonly<Record<string, unknown>>,
): Promise<void> {
  unwrap(await bus.send([{ envelope: envelopeTo(runId, type, payload), queue: null }]));
}

/** A run whose independent tasks are all assigned. */
export async function assignedRun(
  host: SpendingHost,
  taskIds: readonly string[],
  settings: Partial<RunSettings>,
  tasks: (plan: Plan) => Plan = (plan) => plan,
): Promise<string> {
  const plan = tasks(planOf(Object.fromEntries(taskIds.map((id) => [id, []]))));
  const runId = await submit(host.bus, plan, settings);
  await decideAll(host, runId);
  await say(host.bus, runId, 'task_plan', { revision: 1, base_oid: 'base', plan, hash: 'h' });
  await decideAll(host, runId);
  return runId;
}

/** Begins an attempt at the next assignment that waits, and returns its id and its delivery. */
export async function beginNext(host: SpendingHost, runId: string, attemptId: string) {
  const [delivery] = unwrap(await host.bus.receive('workers', { max: 1, waitMs: 0, leaseMs: 60_000 }));
  if (delivery === undefined) throw new Error('nothing waits');
  const assignment = delivery.envelope.payload as PayloadOf<'task_assign'>;
  const attempt: Attempt = { id: attemptId, epoch: delivery.epoch, baseOid: 'base', slot: 'worker-001', assignment };
  const begun = unwrap(await beginAttempt(host as HostParts, runId, attempt, delivery));
  if (!begun) throw new Error('nobody waits for it');
  return delivery;
}
