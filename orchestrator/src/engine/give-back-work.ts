import type { Delivery } from '@agentcompany/agent-bus';
import type { AppError, Result } from '@agentcompany/protocol';
import type { Draft } from '../company/decide/draft.ts';
import type { Run } from '../company/records.ts';
import type { HostParts } from './host-parts.ts';
import type { LiveJobs } from './live-jobs.ts';
import { mint } from './mint.ts';

/** Times a delivery may fail through no fault of its own before a person hears of it. */
const maximumFailures = 5;
const retryAfterMs = 5000;

const hostFaults = ['AC_ENGINE_', 'AC_WORKER_LOST', 'AC_RESULT_STORE', 'AC_BUS_', 'AC_HOST_'];

/**
 * Failures of the machine, not of the task: the container engine is away, the attach was lost with it, the host's disk is full
 * (S77), the bus or the engine home cannot be reached.
 */
export function isHostFault({ code }: AppError): boolean {
  return hostFaults.some((prefix) => code.startsWith(prefix));
}

/**
 * Gives work back that could not be carried out through no fault of its own: the container engine is away, or this host
 * stops. It goes to whoever is next; an engine that stays away makes it a dead letter, which the engine answers.
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
  if (isHopeless || jobs.countFailure(delivery.envelope.id) >= maximumFailures)
    return parts.bus.reject(delivery, error, []);
  return parts.bus.release(delivery, { notBefore: Date.now() + retryAfterMs });
}
