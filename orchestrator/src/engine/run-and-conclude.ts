import type { Result } from '@agentcompany/protocol';
import type { WorkerJob, WorkerOutcome } from '../containers/worker-runner.ts';
import type { HostParts } from './host-parts.ts';
import { judgeOutcome } from './judge-outcome.ts';
import type { LiveJobs } from './live-jobs.ts';

/**
 * Runs a job and concludes it once, as soon as its outcome is known, while the container is still being removed: who waits
 * for the result waits no longer than needed. Resolves when the container is gone too, so that its slot is truly free. A
 * crash in between leaves a container whose result is on record; the next start sweeps it. The log is brought home beside all this.
 */
export async function runAndConclude<Value>(
  parts: Pick<HostParts, 'log' | 'repositories' | 'runner'>,
  jobs: LiveJobs,
  job: WorkerJob,
  conclude: (outcome: Result<WorkerOutcome>) => Promise<Value>,
): Promise<Value> {
  const early: Promise<Value>[] = [];
  let hasBegun = false;
  const judged = (outcome: Result<WorkerOutcome>): Promise<Value> =>
    conclude(judgeOutcome(jobs.health, { image: job.image, hasBegun, isStopping: jobs.stopping }, outcome));
  const outcome = await parts.runner.run({
    ...job,
    onProgress: (message) => {
      hasBegun = true;
      job.onProgress(message);
    },
    onOutcome: (known) => void early.push(judged(known)),
  });
  jobs.beside((signal) => bringLogHome(parts, job, signal));
  return early[0] ?? judged(outcome);
}

async function bringLogHome(
  { log, repositories }: Pick<HostParts, 'log' | 'repositories'>,
  { logFile: file, owner }: WorkerJob,
  signal: AbortSignal,
): Promise<void> {
  const said = { runId: owner.run, attemptId: owner.attempt, file };
  const delivered = await repositories.deliverLog(said, signal);
  if (!delivered.ok) log('log-not-delivered', { attempt: owner.attempt, error: delivered.error });
}
