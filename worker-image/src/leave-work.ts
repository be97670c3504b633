import { maximumCheckpointBytes } from '@agentcompany/protocol';
import { z } from 'zod';
import { putCheckpoint } from './door-checkpoint.ts';
import { readWorkInProgress, restoreWorkInProgress } from './work-in-progress.ts';
import type { Surroundings, TaskOrder } from './work.ts';

/** What every agent leaves the task's next attempt, whatever it leaves besides: its changes to files, base64; null: they could not be kept. */
export const leftWork = z.object({ version: z.literal(1), patch: z.string().nullable() });

/** Bytes that checkpoints may take on their way through the door: so many at once, and so many more with each answer of the model. */
const allowance = { atOnce: 16_777_216, perTurn: 1_048_576 } as const;

/** What became of the changes that an earlier attempt left. */
export type RestoredWork = 'in place' | 'not kept' | 'do not fit';

/** Brings the changes of an earlier attempt into the working copy: all of them or none. */
export async function restoreWork(patch: Buffer | null, around: Surroundings): Promise<RestoredWork> {
  if (patch === null) return 'not kept';
  return (await restoreWorkInProgress(patch, around)) ? 'in place' : 'do not fit';
}

/** Leaves checkpoints with the host, as many as one attempt may. */
export class CheckpointSender {
  readonly #order: TaskOrder;
  readonly #around: Surroundings;
  #sentBytes = 0;

  constructor(order: TaskOrder, around: Surroundings) {
    this.#order = order;
    this.#around = around;
  }

  /** The working copy's changes as they are now. */
  readWork(): Promise<Buffer | null> {
    return readWorkInProgress(this.#order, this.#around);
  }

  /** `content` with these changes, else without them. `turns`: answers so far. `isLast`: however large what was sent before. */
  async send(
    content: (patch: Buffer | null) => Buffer,
    { patch, turns, isLast }: { readonly patch: Buffer | null; readonly turns: number; readonly isLast: boolean },
  ): Promise<boolean> {
    const whole = content(patch);
    const bytes = whole.length <= maximumCheckpointBytes ? whole : content(null);
    const isAffordable = this.#sentBytes + bytes.length <= allowance.atOnce + turns * allowance.perTurn;
    if (bytes.length > maximumCheckpointBytes || !(isLast || isAffordable)) return false;
    this.#sentBytes += bytes.length;
    return putCheckpoint(this.#around.door, bytes);
  }
}
