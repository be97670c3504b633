import { failure, success, type Result } from '@agentcompany/protocol';
import type { DoorEnd } from '../door/door-events.ts';
import type { ContainerEngine } from './container-engine.ts';
import { containerErrors } from './errors.ts';
import { unfitness } from './image-fitness.ts';
import type { WorkerJob, WorkerOutcome } from './worker-runner.ts';

/** What an engine that stops sends to every container first. */
const endedBySigterm = 128 + 15;

const silentSeconds = (milliseconds: number): number => Math.round(milliseconds / 100) / 10;

/** What the container tells of its end when the door only saw the stream close. */
async function closedOutcome({ engine, id, image, job, lastWords }: EndContext): Promise<Result<never>> {
  const graceMs = 3000;
  const waited = await engine.wait(id, AbortSignal.timeout(graceMs));
  const found = await engine.inspect(id);
  if (!found.ok) return failure(containerErrors.AC_WORKER_LOST({}, found.error));
  const { state } = found.value;
  const hasEnded = waited.ok || state.exitCode !== null;
  if (!hasEnded) return failure(containerErrors.AC_WORKER_LOST());
  if (state.outOfMemory) return failure(containerErrors.AC_WORKER_MEMORY({ bytes: job.limits.memoryBytes }, lastWords));
  if (state.exitCode === endedBySigterm) return failure(containerErrors.AC_WORKER_INTERRUPTED());
  const problem = unfitness(state.exitCode, lastWords);
  if (problem !== null) return failure(containerErrors.AC_IMAGE_UNFIT({ image, problem }, lastWords));
  return failure(containerErrors.AC_WORKER_EXITED({ code: state.exitCode ?? 'unknown' }, lastWords));
}

export interface EndContext {
  readonly engine: ContainerEngine;
  readonly id: string;
  /** What the container was made from. */
  readonly image: string;
  readonly job: WorkerJob;
  readonly silentMs: number;
  readonly stuckMs: number;
  /** The end of the worker's log. */
  readonly lastWords: string;
}

/** The outcome of a job from how its door ended. */
export async function outcomeOf(end: DoorEnd, context: EndContext): Promise<Result<WorkerOutcome>> {
  const { lastWords } = context;
  switch (end.kind) {
    case 'reported':
      return success({ report: end.report, bundle: end.bundle });
    case 'unconfined':
      return failure(containerErrors.AC_WORKER_CONFINEMENT({ difference: end.differences.join('; ') }));
    case 'garbage':
      return failure(containerErrors.AC_WORKER_GARBAGE({ problem: end.problem }, end.cause));
    case 'missing': {
      const seconds = silentSeconds(end.sign === 'data' ? context.silentMs : context.stuckMs);
      return failure(
        containerErrors.AC_WORKER_SILENT({ sign: end.sign === 'data' ? 'sign of life' : 'beat', seconds }, lastWords),
      );
    }
    case 'storage':
      return failure(containerErrors.AC_RESULT_STORE({ file: end.file }, end.cause));
    case 'closed':
      return closedOutcome(context);
  }
}
