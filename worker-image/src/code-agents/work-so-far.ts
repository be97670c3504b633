import { createHash } from 'node:crypto';
import type { AgentOrder } from '@agentcompany/protocol';
import { getCheckpoint } from '../door-checkpoint.ts';
import { CheckpointSender, leftWork, restoreWork, type RestoredWork } from '../leave-work.ts';
import type { Surroundings, TaskOrder } from '../work.ts';

/**
 * The work of a code agent as its attempts leave it to one another: the changes to files, without its conversation, which is the
 * program's own.
 */
export class WorkSoFar {
  readonly #sender: CheckpointSender;
  /** Digest of what the host holds; null: nothing yet. */
  #left: string | null;
  #turns = 0;
  #saving: Promise<void> | null = null;
  /** What became of an earlier attempt's changes; null: there were none. */
  readonly restored: RestoredWork | null;

  private constructor(sender: CheckpointSender, restored: RestoredWork | null, left: string | null) {
    this.#sender = sender;
    this.restored = restored;
    this.#left = left;
  }

  /** Puts back what an earlier attempt left, where the order says that it left something. */
  static async begin(order: TaskOrder, { resume }: AgentOrder, around: Surroundings): Promise<WorkSoFar> {
    const sender = new CheckpointSender(order, around);
    const text = resume ? await getCheckpoint(around.door) : null;
    if (text === null) return new WorkSoFar(sender, null, null);
    const patch = patchOf(text);
    if (patch?.length === 0) return new WorkSoFar(sender, null, digestOf(patch));
    const restored = await restoreWork(patch, around);
    around.progress(`earlier changes: ${restored}`);
    return new WorkSoFar(sender, restored, patch !== null && restored === 'in place' ? digestOf(patch) : null);
  }

  /** While its model thinks, an agent leaves the working copy alone: then what is new in it is kept. */
  async save(): Promise<void> {
    this.#turns += 1;
    if (this.#saving !== null) return;
    this.#saving = this.#keep(false).finally(() => (this.#saving = null));
    await this.#saving;
  }

  /** The last time in this attempt. */
  async saveLast(): Promise<void> {
    await this.#saving;
    await this.#keep(true);
  }

  async #keep(isLast: boolean): Promise<void> {
    const patch = await this.#sender.readWork();
    const digest = patch === null ? null : digestOf(patch);
    const isNothing = this.#left === null && patch?.length === 0;
    if ((digest !== null && digest === this.#left) || (isNothing && !isLast)) return;
    if (await this.#sender.send(write, { patch, turns: this.#turns, isLast })) this.#left = digest;
  }
}

function write(patch: Buffer | null): Buffer {
  return Buffer.from(JSON.stringify({ version: 1, patch: patch?.toString('base64') ?? null }));
}

/** Null for changes that were not kept, and for what is no checkpoint. */
function patchOf(text: string): Buffer | null {
  try {
    const { patch } = leftWork.parse(JSON.parse(text));
    return patch === null ? null : Buffer.from(patch, 'base64');
  } catch {
    return null;
  }
}

function digestOf(patch: Buffer): string {
  return createHash('sha256').update(patch).digest('hex');
}
