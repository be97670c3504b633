import type { Envelope } from '@agentcompany/protocol';
import { Queue, Worker } from 'bullmq';
import { benchQueue } from './message.ts';
import type { Consumer, QueueUnderTest } from './queue-under-test.ts';

/** bullmq with its defaults: jobs that are done stay on record, as ours do. */
export class BullmqQueue implements QueueUnderTest {
  readonly #connection: { readonly host: string; readonly port: number; readonly maxRetriesPerRequest: null };
  readonly #queue: Queue<Envelope>;

  constructor(port: number) {
    this.#connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
    this.#queue = new Queue<Envelope>(benchQueue, { connection: this.#connection });
  }

  async send(batches: readonly (readonly Envelope[])[]): Promise<void> {
    for (const batch of batches) {
      const [first] = batch;
      if (batch.length === 1 && first !== undefined) await this.#queue.add('message', first);
      else await this.#queue.addBulk(batch.map((data) => ({ name: 'message', data })));
    }
  }

  /** A worker takes jobs one by one, `max` of them at a time; it is connected before it is asked to handle. */
  async consumer(max: number): Promise<Consumer> {
    const handled: string[] = [];
    const worker = new Worker<Envelope>(benchQueue, () => Promise.resolve(), {
      connection: this.#connection,
      concurrency: max,
      autorun: false,
    });
    await worker.waitUntilReady();
    const handle = async (count: number): Promise<readonly string[]> => {
      const done = Promise.withResolvers<readonly string[]>();
      worker.on('completed', ({ data }) => {
        handled.push(data.id);
        if (handled.length === count) done.resolve(handled);
      });
      worker.on('error', done.reject);
      worker.run().catch(done.reject);
      return done.promise;
    };
    return { handle, close: () => worker.close() };
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }
}
