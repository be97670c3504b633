import { failure, type Result } from '@agentcompany/protocol';
import type { WorkerOutcome } from '../containers/worker-runner.ts';
import { engineErrors } from './errors.ts';
import { isHostFault } from './give-back-work.ts';
import { imageSubject, wholeHost, type HostHealth } from './host-health.ts';

/** Ends of a container that say nothing of a task which it had not begun. */
const earlyEnds: ReadonlySet<string> = new Set(['AC_WORKER_EXITED', 'AC_WORKER_GARBAGE', 'AC_WORKER_SILENT']);

export interface Circumstances {
  readonly image: string | null;
  /** The worker said what it does: it had taken its order. */
  readonly hasBegun: boolean;
  readonly isStopping: boolean;
}

/**
 * Notes for the health of host and image how a container did (C15). Where it ended before it began, that is the image's failure and not
 * the task's: the outcome is then `AC_HOST_IMAGE`, a failure of the machine. Else the outcome is what was given.
 */
export function judgeOutcome(
  health: Pick<HostHealth, 'note'>,
  { image, hasBegun, isStopping }: Circumstances,
  outcome: Result<WorkerOutcome>,
): Result<WorkerOutcome> {
  if (isStopping) return outcome;
  const error = outcome.ok ? null : outcome.error;
  const [host, subject] = [wholeHost, imageSubject(image)];
  if (error !== null && isHostFault(error)) {
    health.note(host, error);
    return outcome;
  }
  if (error?.code === 'AC_WORKER_CANCELLED') return outcome;
  health.note(host, null);
  if (error === null || hasBegun || !earlyEnds.has(error.code)) {
    health.note(subject, null);
    return outcome;
  }
  const early = engineErrors.AC_HOST_IMAGE({ image: subject }, error);
  health.note(subject, early);
  return failure(early);
}
