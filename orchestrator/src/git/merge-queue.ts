import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Result } from '@agentcompany/protocol';
import { mergeInto, type IncomingCommit, type MergeTarget } from './merge.ts';
import { openPassingRepository } from './passing-repository.ts';
import type { MergeOutcome } from './repositories.ts';
import type { createSerialQueue } from './serial-queue.ts';

interface Waiting extends IncomingCommit {
  readonly answer: (outcome: Result<MergeOutcome>) => void;
  readonly fail: (thrown: unknown) => void;
}

/** Takes a commit into a reference of the mirror; errors as `mergeInto`. */
export type MergeQueue = (target: MergeTarget, incoming: IncomingCommit) => Promise<Result<MergeOutcome>>;

/**
 * Merges of one reference that wait for each other are carried out together: what comes while others are computed joins them. To bring
 * a merge home costs more programs than the merge itself. What is computed lies in `folder` until it is home.
 */
export function createMergeQueue(exclusively: ReturnType<typeof createSerialQueue>, folder: string): MergeQueue {
  const queues = new Map<string, Waiting[]>();
  return (target, incoming) =>
    new Promise((answer, fail) => {
      const waiting = queues.get(target.reference) ?? [];
      queues.set(target.reference, waiting);
      waiting.push({ ...incoming, answer, fail });
      // Where another waits already, or this one is taken by whoever is at work, this finds nothing to do.
      void exclusively(async () => {
        await mergeWaiting(target, waiting, folder);
        if (waiting.length === 0 && queues.get(target.reference) === waiting) queues.delete(target.reference);
      });
    });
}

async function mergeWaiting(target: MergeTarget, waiting: Waiting[], folder: string): Promise<void> {
  if (waiting.length === 0) return;
  const taken: Waiting[] = [];
  const take = (): IncomingCommit | null => {
    const next = waiting.shift() ?? null;
    if (next !== null) taken.push(next);
    return next;
  };
  const place = path.join(folder, `merge-${randomUUID()}.git`);
  try {
    const workshop = await openPassingRepository(place, target.workshop);
    const outcomes = await mergeInto({ ...target, workshop }, { take, ahead: () => waiting });
    outcomes.forEach((outcome, index) => taken[index]?.answer(outcome));
  } catch (thrown) {
    for (const each of [...taken, ...waiting.splice(0)]) each.fail(thrown);
  } finally {
    // What stays is removed by the next start: all are answered already.
    await rm(place, { recursive: true, force: true }).catch(() => undefined);
  }
}
