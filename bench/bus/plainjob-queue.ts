import { join } from 'node:path';
import { parseEnvelope, unwrap, type Envelope } from '@agentcompany/protocol';
import Database from 'better-sqlite3';
import { better, defineQueue, type Queue } from 'plainjob';
import { benchQueue } from './message.ts';
import type { Consumer, QueueUnderTest } from './queue-under-test.ts';

const silent = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined };

/** plainjob, made to sync as we do: as it comes, it sets `synchronous = NORMAL`, which a power loss takes messages from. */
export class PlainjobQueue implements QueueUnderTest {
  readonly #queue: Queue;

  constructor(folder: string) {
    const database = new Database(join(folder, 'plainjob.db'));
    this.#queue = defineQueue({ connection: better(database), logger: silent });
    database.pragma('synchronous = FULL');
  }

  async send(batches: readonly (readonly Envelope[])[]): Promise<void> {
    for (const batch of batches) {
      if (batch.length === 1) this.#queue.add(benchQueue, batch[0]);
      else this.#queue.addMany(benchQueue, [...batch]);
    }
  }

  /** It has no batches here: one claim and one acknowledgement a message, whatever `max` says. */
  async consumer(): Promise<Consumer> {
    return { handle: (count) => Promise.resolve(this.#handle(count)), close: () => Promise.resolve() };
  }

  #handle(count: number): readonly string[] {
    const handled: string[] = [];
    while (handled.length < count) {
      const claimed = this.#queue.getAndMarkJobAsProcessing(benchQueue);
      const job = claimed === undefined ? undefined : this.#queue.getJobById(claimed.id);
      if (job === undefined) break;
      const envelope = unwrap(parseEnvelope(JSON.parse(job.data)));
      this.#queue.markJobAsDone(job.id);
      handled.push(envelope.id);
    }
    return handled;
  }

  async close(): Promise<void> {
    this.#queue.close();
  }
}
