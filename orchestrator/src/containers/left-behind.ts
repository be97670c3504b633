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
  readonly #containers = new Map<string, WorkerOwner>();

  constructor(engine: Pick<ContainerEngine, 'remove'>) {
    this.#engine = engine;
  }

  /** Disposes of a worker; where its container stays, it is remembered. */
  async remove(worker: Pick<SealedWorker, 'id' | 'dispose'>, owner: WorkerOwner): Promise<void> {
    const gone = await worker.dispose();
    if (!gone.ok) this.#containers.set(worker.id, owner);
  }

  /** Before the next container is made for a task: removes what is left of it, and says why where it cannot. */
  async clear({ run, task }: WorkerOwner): Promise<Result<undefined>> {
    for (const [id, owner] of this.#containers) {
      if (owner.run !== run || owner.task !== task) continue;
      const gone = await this.#engine.remove(id);
      if (!gone.ok) return gone;
      this.#containers.delete(id);
    }
    return success();
  }
}
