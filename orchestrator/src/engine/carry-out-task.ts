import { setTimeout } from 'node:timers/promises';
import type { Delivery } from '@agentcompany/agent-bus';
import { derivedId, parsePayload, type PayloadOf, type Result } from '@agentcompany/protocol';
import type { Run } from '../company/records.ts';
import { AttemptActivity } from './attempt-activity.ts';
import { beginAttempt, isWanted, type Attempt } from './attempt.ts';
import { finishAttempt } from './finish-attempt.ts';
import { giveBackWork, isHostFault } from './give-back-work.ts';
import { imageSubject } from './host-health.ts';
import type { HostParts } from './host-parts.ts';
import { awaitImage, imageOfRun } from './image-of-run.ts';
import type { HeldLease } from './keeping-lease.ts';
import type { LiveJobs } from './live-jobs.ts';
import { runAndConclude } from './run-and-conclude.ts';
import { taskJob } from './task-job.ts';
import { turnRecheckMs } from './turns.ts';

/** The code agent an image has to have; null where our own loop or a command does the work. */
function codeAgentOf(agent: PayloadOf<'task_assign'>['agent']): string | null {
  return agent === undefined || agent.runtime === 'builtin' ? null : agent.runtime;
}

/** Holds the end of an attempt back until its turn has come (`Turns`), or nobody waits for it any more. */
async function untilItMayFinish(
  { folds, turns }: Pick<HostParts, 'folds' | 'turns'>,
  runId: string,
  taskId: string,
  signal: AbortSignal,
): Promise<void> {
  if (turns === undefined) return;
  while (!signal.aborted) {
    const run = await folds.refresh(runId);
    if (!run.ok || run.value === null || turns.mayGoOn(run.value, 'finish', taskId)) return;
    await setTimeout(turnRecheckMs);
  }
}

/** One assignment in one fresh container: attempt on record, container, result on record with the acknowledgement. */
export async function carryOutTask(
  parts: HostParts,
  jobs: LiveJobs,
  slot: string,
  run: Run,
  delivery: Delivery,
  lease: HeldLease,
): Promise<Result<unknown>> {
  const { envelope } = delivery;
  const assignment = parsePayload('task_assign', envelope.payload);
  if (!assignment.ok) return parts.bus.reject(delivery, assignment.error, []);
  const taskId = assignment.value.task.id;
  if (!isWanted(run, taskId, envelope.id)) return parts.bus.complete(delivery, []);
  if (parts.turns?.mayStart(run, taskId, assignment.value.round) === false)
    return parts.bus.release(delivery, { notBefore: Date.now() + turnRecheckMs });
  const patience = AbortSignal.any([lease.lost, jobs.stop]);
  const base = await parts.repositories.baseOf({ runId: run.id, projectId: run.projectId }, patience);
  if (lease.lost.aborted) return base;
  if (!base.ok) return giveBackWork(parts, jobs, run, delivery, [], base.error);
  const { oid: baseOid, mirrorFolder } = base.value;
  const { image, agent } = assignment.value;
  const found = await imageOfRun(parts, run, { image, agent: codeAgentOf(agent), mirrorFolder });
  if (!found.ok && found.error.code === 'AC_IMAGE_UNAVAILABLE') return awaitImage(parts, run, delivery, found.error);
  if (!found.ok && isHostFault(found.error)) return giveBackWork(parts, jobs, run, delivery, [], found.error);
  const pauseMs = found.ok ? jobs.health.pauseMs(imageSubject(found.value.id)) : 0;
  if (pauseMs > 0) return parts.bus.release(delivery, { notBefore: Date.now() + pauseMs });
  const id = await derivedId(`attempt ${delivery.epoch} of ${envelope.id}`);
  const pin = found.ok && found.value.pin !== null ? { image: found.value.pin } : {};
  const attempt: Attempt = { id, epoch: delivery.epoch, baseOid, slot, assignment: assignment.value, ...pin };
  // Open before the attempt is on record: a cancellation that follows it must not be missed.
  const activity = new AttemptActivity();
  const live = jobs.open(id, run.id, taskId, activity);
  try {
    const begun = await beginAttempt(parts, run.id, attempt, delivery);
    if (!begun.ok) return begun;
    // Cancelled in between: nobody waits for this work.
    if (!begun.value) return await parts.bus.complete(delivery, []);
    parts.tell('attempt-started', { slot, task: taskId, title: assignment.value.task.title, run: run.id, attempt: id });
    const services = await parts.openServices({ run, attempt });
    const work = { run, attempt, delivery, lease, services: services.ok ? services.value : null };
    if (!services.ok) return await finishAttempt(parts, jobs, work, services);
    try {
      if (!found.ok) return await finishAttempt(parts, jobs, work, found);
      const signal = AbortSignal.any([live.signal, lease.lost]);
      const watched = { services: activity.watch(services.value), activity };
      const place = { mirrorFolder, image: found.value.id };
      const job = await taskJob(parts, run, attempt, place, watched, signal);
      return await runAndConclude(parts, jobs, job, async (outcome) => {
        await untilItMayFinish(parts, run.id, taskId, AbortSignal.any([signal, jobs.stop]));
        return finishAttempt(parts, jobs, work, outcome);
      });
    } finally {
      await services.value.close();
    }
  } finally {
    live.close();
  }
}
