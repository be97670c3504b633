import { success, type Result } from '@agentcompany/protocol';
import { dropScript, tidyScript } from './scripts/compacting.ts';
import type { Store } from './store.ts';

/** How long ids outlive their stream (DESIGN §3), in milliseconds. */
const idHorizon = 30 * 24 * 60 * 60 * 1000;

/** Takes old streams out of the store. Errors: as `Link.run`. */
export class Compaction {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** A step for each stream: others are not kept waiting for all of them. `closedBefore` in unix milliseconds. */
  async compact(
    closedBefore: number,
    streams: readonly string[],
  ): Promise<Result<{ readonly streams: number; readonly entries: number }>> {
    const sum = { streams: 0, entries: 0 };
    for (const stream of new Set(streams)) {
      const values = [stream, closedBefore, idHorizon];
      const dropped = await this.#store.run(dropScript, values, { durability: 'durable' });
      if (!dropped.ok) return dropped;
      const entries = Number(dropped.value.rest[0]);
      sum.streams += entries > 0 ? 1 : 0;
      sum.entries += entries;
    }
    const tidied = await this.#store.run(tidyScript, [], { durability: 'durable' });
    return tidied.ok ? success(sum) : tidied;
  }
}
