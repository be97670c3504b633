import type { Delivery } from '@agentcompany/agent-bus';
import { success, type Result } from '@agentcompany/protocol';
import { runEnds } from '../company/states.ts';
import { carryOutTask } from './carry-out-task.ts';
import { carryOutVerification } from './carry-out-verification.ts';
import { keepingLease } from './consumer.ts';
import { letGo } from './let-go.ts';
import { LiveJobs } from './live-jobs.ts';
import type { EngineParts } from './parts.ts';
import { together } from './together.ts';

/** Milliseconds an assignment of a paused run waits before it is looked at again. */
const pauseRecheckMs = 2000;

/**
 * Leases work while a slot `worker-NNN` is free, and keeps each lease as long as its container lives (DESIGN §5).
 * Never more than `maximumWorkers` containers at once (C14). Ends when `signal` aborts and every container is gone.
 */
export async function hostWorkers(parts: EngineParts, signal: AbortSignal): Promise<Result<undefined>> {
  const stop = new AbortController();
  const stopping = AbortSignal.any([signal, stop.signal]);
  const jobs = new LiveJobs(parts, stopping);
  const watching = jobs.watchForCancellation();
  const slots = Array.from(
    { length: parts.maximumWorkers },
    (_, index) => `worker-${String(index + 1).padStart(3, '0')}`,
  );
  const working = slots.map((slot) => workSlot(parts, jobs, slot, stopping));
  try {
    return await together(working, stop);
  } finally {
    stop.abort();
    await watching;
  }
}

async function workSlot(
  parts: EngineParts,
  jobs: LiveJobs,
  slot: string,
  signal: AbortSignal,
): Promise<Result<undefined>> {
  const { bus, leaseMs, log } = parts;
  while (!signal.aborted) {
    const received = await bus.receive('workers', { max: 1, waitMs: 60_000, leaseMs, signal });
    if (!received.ok) return signal.aborted ? success() : received;
    for (const delivery of received.value) {
      const finished = await keepingLease(parts, delivery, () => carryOut(parts, jobs, slot, delivery));
      if (!finished.ok) log('work-failed', { slot, error: finished.error });
    }
  }
  return success();
}

async function carryOut(
  parts: EngineParts,
  jobs: LiveJobs,
  slot: string,
  delivery: Delivery,
): Promise<Result<unknown>> {
  const refreshed = await parts.folds.refresh(delivery.stream);
  if (!refreshed.ok) return refreshed;
  const run = refreshed.value;
  if (run === null || runEnds.has(run.state)) return parts.bus.complete(delivery, []);
  if (run.state === 'cancelling') return letGo(parts, run, delivery);
  if (run.state === 'paused') return parts.bus.release(delivery, { notBefore: Date.now() + pauseRecheckMs });
  return delivery.envelope.envelope_type === 'task_assign'
    ? carryOutTask(parts, jobs, slot, run, delivery)
    : carryOutVerification(parts, jobs, run, delivery);
}
