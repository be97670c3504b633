import { setTimeout as after } from 'node:timers/promises';
import type { Delivery } from '@agentcompany/agent-bus';
import { success, type Result } from '@agentcompany/protocol';
import type { Run } from '../company/records.ts';
import { runEnds } from '../company/states.ts';
import { carryOutTask } from './carry-out-task.ts';
import { carryOutVerification } from './carry-out-verification.ts';
import { HostHealth, wholeHost } from './host-health.ts';
import type { HostParts } from './host-parts.ts';
import { keepSwept } from './keep-swept.ts';
import { keepingLease, type HeldLease } from './keeping-lease.ts';
import { letGo } from './let-go.ts';
import { LiveJobs } from './live-jobs.ts';
import { persistently } from './persistently.ts';
import { reportSetAside } from './report-set-aside.ts';
import { together } from './together.ts';

/** Milliseconds an assignment of a paused run waits before it is looked at again. */
const pauseRecheckMs = 2000;
/** Milliseconds after which the slots of a host that is set aside look whether one of them did well. */
const healthRecheckMs = 1000;

/** `drain`: takes no new work; `stop`: ends the work under way too and gives it back. */
export interface HostSignals {
  readonly drain: AbortSignal;
  readonly stop: AbortSignal;
}

/**
 * Leases work while a slot `worker-NNN` is free, and keeps each lease as long as its container lives (DESIGN §5).
 * Never more than `maximumWorkers` containers at once (C14). Ends when it is told to and every container is gone. A bus that does
 * not answer for a while is asked again; only an error that lasts ends the host.
 */
export async function hostWorkers(
  parts: HostParts,
  signals: HostSignals,
  health: HostHealth = new HostHealth({ onSetAside: (setAside) => reportSetAside(parts, setAside) }),
): Promise<Result<undefined>> {
  const failed = new AbortController();
  const stop = AbortSignal.any([signals.stop, failed.signal]);
  const drain = AbortSignal.any([signals.drain, stop]);
  const ended = new AbortController();
  const jobs = new LiveJobs(parts, stop, health);
  const watching = jobs.watchForCancellation(AbortSignal.any([stop, ended.signal]));
  const sweeping = keepSwept(parts, AbortSignal.any([stop, ended.signal]));
  const slots = Array.from(
    { length: parts.maximumWorkers },
    (_, index) => `worker-${String(index + 1).padStart(3, '0')}`,
  );
  const working = slots.map((slot) => workSlot(parts, jobs, slot, drain));
  try {
    return await together(working, failed);
  } finally {
    ended.abort();
    await Promise.all([watching, sweeping]);
    await jobs.besideEnded();
  }
}

async function workSlot(
  parts: HostParts,
  jobs: LiveJobs,
  slot: string,
  drain: AbortSignal,
): Promise<Result<undefined>> {
  const { bus, leaseMs, log } = parts;
  const take = () => bus.receive('workers', { max: 1, waitMs: 60_000, leaseMs, signal: drain });
  while (!drain.aborted) {
    const pauseMs = jobs.health.pauseMs(wholeHost);
    if (pauseMs > 0) {
      await after(Math.min(pauseMs, healthRecheckMs), undefined, { signal: drain }).catch(() => undefined);
      continue;
    }
    const received = await persistently(drain, take, (error) => log('bus-away', { slot, error }));
    if (!received.ok) return drain.aborted ? success() : received;
    for (const delivery of received.value) {
      const finished = await keepingLease(parts, delivery, (lease) => carryOut(parts, jobs, slot, delivery, lease));
      if (!finished.ok) log('work-failed', { slot, error: finished.error });
    }
  }
  return success();
}

async function carryOut(
  parts: HostParts,
  jobs: LiveJobs,
  slot: string,
  delivery: Delivery,
  lease: HeldLease,
): Promise<Result<unknown>> {
  const refreshed = await parts.folds.refresh(delivery.stream);
  if (!refreshed.ok) return refreshed;
  const run = refreshed.value;
  if (run === null || runEnds.has(run.state)) return parts.bus.complete(delivery, []);
  if (run.state === 'cancelling' || isCancelling(run, delivery)) return letGo(parts, run, delivery);
  if (run.state === 'paused') return parts.bus.release(delivery, { notBefore: Date.now() + pauseRecheckMs });
  return delivery.envelope.envelope_type === 'task_assign'
    ? carryOutTask(parts, jobs, slot, run, delivery, lease)
    : carryOutVerification(parts, jobs, run, delivery, lease);
}

/** A change of the plan took the task back while a host that is gone was at work on it. */
function isCancelling(run: Run, { envelope }: Delivery): boolean {
  const task = run.tasks.get(envelope.context.task_id ?? '');
  return task?.state === 'cancelling' && task.assignmentId === envelope.id;
}
