import { success, type Result } from '@agentcompany/protocol';
import type { ContainerEngine } from './container-engine.ts';
import type { SealedWorker } from './sealed-container.ts';
import type { WorkerOwner } from './worker-container.ts';

/**
 * Containers that could not be removed, because their engine was away: one that keeps containers over its own restart may still run
 * them. None may live on beside the next attempt of its task (S78).
 */
export class LeftBehind {
  readonly #engine: Pick<ContainerEngine, 'remove'>;
  /** Null: one that waited for work. */
  readonly #containers = new Map<string, WorkerOwner | null>();

  constructor(engine: Pick<ContainerEngine, 'remove'>) {
    this.#engine = engine;
  }

  /** Disposes of a worker; where its container stays, it is remembered. */
  async remove(worker: Pick<SealedWorker, 'id' | 'dispose'>, owner: WorkerOwner | null): Promise<Result<undefined>> {
    const gone = await worker.dispose();
    if (!gone.ok) this.#containers.set(worker.id, owner);
    return gone;
  }

  /** Before the next container is made for a task: removes what is left of it, and says why where it cannot. */
  async clear({ run, task }: WorkerOwner): Promise<Result<undefined>> {
    for (const [id, owner] of this.#containers) {
      if (owner?.run !== run || owner.task !== task) continue;
      const gone = await this.#engine.remove(id);
      if (!gone.ok) return gone;
      this.#containers.delete(id);
    }
    return success();
  }

  /** Before this process ends: removes what can be removed by now. What cannot is labelled, and found by the next sweep. */
  async clearAll(): Promise<void> {
    await Promise.all([...this.#containers.keys()].map((id) => this.#engine.remove(id)));
  }
}
