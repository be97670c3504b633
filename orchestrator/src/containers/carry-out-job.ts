import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { failure, success, type AppError, type Result } from '@agentcompany/protocol';
import { AttemptLog } from './attempt-log.ts';
import { containerErrors } from './errors.ts';
import { interruption } from './interruption.ts';
import type { SealedTerms, SealedWorker } from './sealed-container.ts';
import { outcomeOf } from './worker-end.ts';
import type { WorkerJob, WorkerOutcome } from './worker-runner.ts';

/** A worker that is to be given a job. `isStarted`: it waits for it already. */
export interface WorkerAtHand {
  readonly worker: SealedWorker;
  readonly isStarted: boolean;
}

/**
 * Gives a worker its job once its owner is on record, and speaks with it through the door until the work has an end, of whatever
 * kind. The caller disposes of the worker. `onStartFailed` is told why a container did not start.
 */
export async function carryOutJob(
  terms: SealedTerms,
  atHand: WorkerAtHand,
  job: WorkerJob,
  onStartFailed: (error: AppError) => void,
): Promise<Result<WorkerOutcome>> {
  const { worker } = atHand;
  const prepared = await prepareFolder(job.logFile);
  if (!prepared.ok) return prepared;
  const recorded = await job.onCreated(worker.id);
  if (!recorded.ok) return recorded;
  const log = new AttemptLog(job.logFile);
  log.follow(worker.attachment.log);
  try {
    return await converse(terms, atHand, job, log, onStartFailed);
  } finally {
    worker.attachment.close();
    await log.close();
  }
}

async function converse(
  { engine, doorLimits }: SealedTerms,
  { worker, isStarted }: WorkerAtHand,
  job: WorkerJob,
  log: AttemptLog,
  onStartFailed: (error: AppError) => void,
): Promise<Result<WorkerOutcome>> {
  const { id, container, door } = worker;
  const ended = new AbortController();
  try {
    door.assign(job);
    const started = isStarted ? success() : await engine.start(id);
    if (!started.ok) {
      onStartFailed(started.error);
      return started;
    }
    const end = await Promise.race([door.end, interruption(job, ended.signal)]);
    // Nothing that still runs inside may go on while the outcome is worked out.
    if (end.kind !== 'closed') await engine.kill(id);
    if (end.kind === 'interrupted') return failure(end.error);
    const image = job.image ?? container.imageId;
    return await outcomeOf(end, { engine, id, image, job, ...doorLimits, lastWords: log.tail() });
  } finally {
    ended.abort();
    door.close();
  }
}

async function prepareFolder(file: string): Promise<Result<undefined>> {
  try {
    await mkdir(dirname(file), { recursive: true });
    return success();
  } catch (cause) {
    return failure(containerErrors.AC_RESULT_STORE({ file }, cause));
  }
}
