import { setImmediate as breathe } from 'node:timers/promises';
import { attemptEnds, runEnds, type AttemptState, type RunState } from '../../company/states.ts';
import type { ReadModel } from '../../engine/read-model.ts';

/** What the ledger says of one attempt. */
export interface KnownAttempt {
  readonly runId: string;
  readonly taskId: string;
  readonly hasEnded: boolean;
  readonly runState: RunState;
}

/**
 * All attempts that the ledger knows, by id. What is not in it belongs to no run on record: one that was forgotten, one of a ledger that
 * was put back to an earlier copy (S84), or somebody else's.
 */
export async function knownAttempts(model: ReadModel): Promise<ReadonlyMap<string, KnownAttempt>> {
  const known = new Map<string, KnownAttempt>();
  for (const { run_id: runId } of model.summaries()) {
    const view = model.view(runId);
    // Years of runs: others have their turn in between.
    await breathe();
    for (const task of view?.task_list ?? [])
      for (const { attempt_id: id, state } of task.attempts) {
        const hasEnded = attemptEnds.has(state as AttemptState);
        known.set(id, { runId, taskId: task.task_id, hasEnded, runState: view?.state as RunState });
      }
  }
  return known;
}

/** Runs whose work is where it belongs, or that a person gave up: of one that failed the results are kept. */
export function isDoneWith(state: RunState): boolean {
  return runEnds.has(state) && state !== 'failed';
}

/** An attempt as a person reads it. */
export function ownerText(attemptId: string, known: KnownAttempt | undefined): string {
  if (known === undefined) return `attempt ${attemptId.slice(0, 8)}, of no run on record`;
  return `run ${known.runId.slice(0, 18)}, task ${known.taskId}`;
}
