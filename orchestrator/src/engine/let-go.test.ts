import type { AgentBus, Delivery } from '@agentcompany/agent-bus';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { record } from '../company/decide/draft.ts';
import type { Run } from '../company/records.ts';
import { planOf } from '../company/testing/fixtures.ts';
import { settle, type DeciderOptions } from './decider.ts';
import { letGo } from './let-go.ts';
import { mint } from './mint.ts';
import { RunFolds } from './run-folds.ts';
import { envelopeTo, ledgerOnDisk, submit, type LedgerOnDisk } from './testing/ledger-on-disk.ts';

let ledger: LedgerOnDisk;
let bus: AgentBus;
let deciding: DeciderOptions;
beforeEach(async () => {
  ledger = await ledgerOnDisk();
  bus = await ledger.open();
  const { signal } = new AbortController();
  deciding = {
    bus,
    folds: new RunFolds(bus),
    leaseMs: 60_000,
    signal,
    log: () => undefined,
    onDecided: () => undefined,
  };
});
afterEach(() => ledger.remove());

async function say(
  runId: string,
  type: Parameters<typeof envelopeTo>[1],
  payload: Readonly<Record<string, unknown>>,
): Promise<void> {
  unwrap(await bus.send([{ envelope: envelopeTo(runId, type, payload), queue: null }]));
  unwrap(await settle(deciding, runId));
}

/** A run whose only task is assigned, and that assignment as a worker host received it. */
async function assigned(): Promise<{ readonly run: Run; readonly delivery: Delivery }> {
  const plan = planOf({ a: [] });
  const runId = await submit(bus, plan);
  unwrap(await settle(deciding, runId));
  await say(runId, 'task_plan', { revision: 1, base_oid: 'base', plan, hash: 'h' });
  const [delivery] = unwrap(await bus.receive('workers', { max: 1, waitMs: 0, leaseMs: 60_000 }));
  const run = unwrap(await deciding.folds.refresh(runId));
  if (delivery === undefined || run === null) throw new Error('nothing was assigned');
  return { run, delivery };
}

const host = () => ({ bus, folders: { bundlesFolder: ledger.folder, runsFolder: ledger.folder } });

async function begin(run: Run, { envelope }: Delivery): Promise<void> {
  const started = { attempt_id: 'first', round: 1, epoch: 1, host_id: 'h', slot: 's', base_oid: 'base' };
  const draft = record('attempt_started', started, { taskId: 'a', attemptId: 'first' });
  unwrap(
    await bus.send(await mint([draft], { sender: 'workers', runId: run.id, cause: 'first', inReplyTo: envelope.id })),
  );
  unwrap(await deciding.folds.refresh(run.id));
}

const cancel = { by: 'president', reason: 'not wanted' };

describe('work of a cancelled run', () => {
  it('is let go of with word that its dead host’s attempt is lost, and the run ends', async () => {
    const { run, delivery } = await assigned();
    await begin(run, delivery);
    await say(run.id, 'run_cancel', cancel);
    expect([run.state, run.tasks.get('a')?.state]).toStrictEqual(['cancelling', 'cancelling']);
    unwrap(await letGo(host(), run, delivery));
    unwrap(await settle(deciding, run.id));
    expect([run.state, run.attempts.get('first')?.error?.code]).toStrictEqual(['cancelled', 'AC_HOST_DIED']);
  });

  it('that nobody had begun is dropped', async () => {
    const { run, delivery } = await assigned();
    await say(run.id, 'run_cancel', cancel);
    const { version } = run;
    unwrap(await letGo(host(), run, delivery));
    expect(unwrap(await bus.streamVersion(run.id))).toBe(version);
    expect(run.state).toBe('cancelled');
    expect(unwrap(await bus.queues()).find(({ queue }) => queue === 'workers')).toMatchObject({
      waiting: 0,
      leased: 0,
    });
  });

  it('of an assignment that another one replaced says nothing of the attempt that is at work', async () => {
    const { run, delivery } = await assigned();
    await begin(run, delivery);
    const [task] = run.tasks.values();
    if (task !== undefined) task.assignmentId = 'a later one';
    const { version } = run;
    unwrap(await letGo(host(), run, delivery));
    expect(unwrap(await bus.streamVersion(run.id))).toBe(version);
  });
});
