import type { Delivery } from '@agentcompany/agent-bus';
import type { AppError, Result } from '@agentcompany/protocol';
import type { Draft } from '../company/decide/draft.ts';
import type { Run } from '../company/records.ts';
import type { LiveJobs } from './live-jobs.ts';
import { mint } from './mint.ts';
import type { EngineParts } from './parts.ts';

/** Times a delivery may fail through no fault of its own before a person hears of it. */
const maximumFailures = 5;
const retryAfterMs = 5000;

/** Failures of the machine, not of the task: the engine is away, the attach was lost with it, the host's disk is full (S77). */
export function isHostFault({ code }: AppError): boolean {
  return code.startsWith('AC_ENGINE_') || code === 'AC_WORKER_LOST' || code === 'AC_RESULT_STORE';
}

/**
 * Gives work back that could not be carried out through no fault of its own: the container engine is away, or this host
 * stops. It goes to whoever is next; an engine that stays away makes it a dead letter, which the engine answers.
 */
export async function giveBackWork(
  parts: EngineParts,
  jobs: LiveJobs,
  run: Run,
  delivery: Delivery,
  lost: Draft | null,
  error: AppError,
): Promise<Result<unknown>> {
  if (lost !== null) {
    const cause = `${delivery.envelope.id} given back at ${delivery.epoch}`;
    const sent = await parts.bus.send(await mint([lost], { sender: 'workers', runId: run.id, cause, inReplyTo: null }));
    if (!sent.ok) return sent;
  }
  if (jobs.stopping) return parts.bus.release(delivery);
  const isHopeless = error.retry === 'never' && !isHostFault(error);
  if (isHopeless || jobs.countFailure(delivery.envelope.id) >= maximumFailures)
    return parts.bus.reject(delivery, error, []);
  return parts.bus.release(delivery, { notBefore: Date.now() + retryAfterMs });
}
