import type { Result } from '@agentcompany/protocol';
import type { WorkerJob, WorkerOutcome, WorkerRunner } from '../containers/worker-runner.ts';

/**
 * Runs a job and concludes it once, as soon as its outcome is known, while the container is still being removed: who waits
 * for the result waits no longer than needed. Resolves when the container is gone too, so that its slot is truly free. A
 * crash in between leaves a container whose result is on record; the next start sweeps it.
 */
export async function runAndConclude<Value>(
  runner: WorkerRunner,
  job: WorkerJob,
  conclude: (outcome: Result<WorkerOutcome>) => Promise<Value>,
): Promise<Value> {
  const early: Promise<Value>[] = [];
  const outcome = await runner.run({ ...job, onOutcome: (known) => void early.push(conclude(known)) });
  return early[0] ?? conclude(outcome);
}
