import type { Delivery } from '@agentcompany/agent-bus';
import type { AppError, Result } from '@agentcompany/protocol';
import { record, type Draft } from '../company/decide/draft.ts';
import type { Run } from '../company/records.ts';
import type { HostParts } from './host-parts.ts';
import type { LiveJobs } from './live-jobs.ts';
import { mint } from './mint.ts';

/** Times a delivery may fail through no fault of its own before a person hears of it. */
const maximumFailures = 5;
const retryAfterMs = 5000;
/** An engine that does not answer at all is waited for: this often, at growing intervals of at most a minute, near an hour in all (S78). */
const maximumAbsences = 60;
const longestRetryMs = 60_000;
const engineAway: ReadonlySet<string> = new Set(['AC_ENGINE_STOPPED', 'AC_ENGINE_ABSENT']);

const hostFaults = ['AC_ENGINE_', 'AC_WORKER_LOST', 'AC_WORKER_INTERRUPTED', 'AC_RESULT_STORE', 'AC_BUS_', 'AC_HOST_'];

/**
 * Failures of the machine, not of the task: the container engine is away, the attach was lost with it, the host's disk is full
 * (S77), the bus or the engine home cannot be reached.
 */
export function isHostFault({ code }: AppError): boolean {
  return hostFaults.some((prefix) => code.startsWith(prefix));
}

/**
 * Gives work back that could not be carried out through no fault of its own: the container engine is away, or this host
 * stops. It goes to whoever is next; an engine that stays away makes it a dead letter, which the engine answers. While it is waited for,
 * the run's progress says so, once.
 */
export async function giveBackWork(
  parts: Pick<HostParts, 'bus'>,
  jobs: LiveJobs,
  run: Run,
  delivery: Delivery,
  /** That the attempt is lost, and what it took; none where there was none. */
  lost: readonly Draft[],
  error: AppError,
): Promise<Result<unknown>> {
  if (lost.length > 0) {
    const cause = `${delivery.envelope.id} given back at ${delivery.epoch}`;
    const sent = await parts.bus.send(await mint(lost, { sender: 'workers', runId: run.id, cause, inReplyTo: null }));
    if (!sent.ok) return sent;
  }
  if (jobs.stopping) return parts.bus.release(delivery);
  const isHopeless = error.retry === 'never' && !isHostFault(error);
  const isAway = engineAway.has(error.code);
  const failures = jobs.countFailure(`${isAway ? 'away ' : ''}${delivery.envelope.id}`);
  if (isHopeless || failures >= (isAway ? maximumAbsences : maximumFailures))
    return parts.bus.reject(delivery, error, []);
  if (isAway && failures === 1) {
    const told = await sayItWaits(parts, run, delivery, error);
    if (!told.ok) return told;
  }
  const pauseMs = isAway ? Math.min(retryAfterMs * 2 ** (failures - 1), longestRetryMs) : retryAfterMs;
  return parts.bus.release(delivery, { notBefore: Date.now() + pauseMs });
}

async function sayItWaits(
  { bus }: Pick<HostParts, 'bus'>,
  run: Run,
  { envelope, epoch }: Delivery,
  error: AppError,
): Promise<Result<unknown>> {
  const taskId = envelope.context.task_id;
  const message = `waits: ${error.message}. ${error.remedy}`;
  const payload = { attempt_id: envelope.id, message };
  const draft = record('task_progress', payload, taskId === undefined ? {} : { taskId });
  const cause = `engine awaited by ${envelope.id} since ${epoch}`;
  return bus.send(await mint([draft], { sender: 'workers', runId: run.id, cause, inReplyTo: envelope.id }));
}
