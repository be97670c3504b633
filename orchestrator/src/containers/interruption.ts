import type { AppError } from '@agentcompany/protocol';
import { containerErrors } from './errors.ts';
import type { WorkerJob } from './worker-runner.ts';

/** A timer that is set for longer fires at once: every job would miss its deadline. */
const longestTimerMs = 2 ** 31 - 1;

type Interruption = { readonly kind: 'interrupted'; readonly error: AppError };

/** Resolves when the job is cancelled or its time is up; never otherwise. `ended` frees what it holds. */
export function interruption(
  job: Pick<WorkerJob, 'deadlineSeconds' | 'signal'>,
  ended: AbortSignal,
): Promise<Interruption> {
  const { promise, resolve } = Promise.withResolvers<Interruption>();
  const seconds = job.deadlineSeconds;
  const timer = setTimeout(
    () => resolve({ kind: 'interrupted', error: containerErrors.AC_WORKER_DEADLINE({ seconds }) }),
    Math.min(seconds * 1000, longestTimerMs),
  );
  const cancel = (): void => resolve({ kind: 'interrupted', error: containerErrors.AC_WORKER_CANCELLED() });
  if (job.signal.aborted) cancel();
  job.signal.addEventListener('abort', cancel, { signal: ended });
  ended.addEventListener('abort', () => clearTimeout(timer), { once: true });
  return promise;
}
