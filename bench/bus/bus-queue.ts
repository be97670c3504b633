import type { AgentBus } from '@agentcompany/agent-bus';
import { unwrap, type Envelope } from '@agentcompany/protocol';
import { benchQueue } from './message.ts';
import type { Consumer, QueueUnderTest } from './queue-under-test.ts';

const leaseMs = 60_000;

/** Our bus through its port: nothing here knows an adapter. */
export class BusQueue implements QueueUnderTest {
  readonly #bus: AgentBus;
  readonly #lanes: number;

  /** `lanes`: receivers that work side by side; with two, one's batch is received while the other's is completed. */
  constructor(bus: AgentBus, lanes = 1) {
    this.#bus = bus;
    this.#lanes = lanes;
  }

  async send(batches: readonly (readonly Envelope[])[]): Promise<void> {
    for (const batch of batches) unwrap(await this.#bus.send(batch.map((envelope) => ({ envelope }))));
  }

  async consumer(max: number): Promise<Consumer> {
    return { handle: (count) => this.#handle(count, max), close: () => Promise.resolve() };
  }

  async #handle(count: number, max: number): Promise<readonly string[]> {
    const handled: string[] = [];
    let claimed = 0;
    const lane = async (): Promise<void> => {
      while (claimed < count) {
        const wanted = Math.min(max, count - claimed);
        claimed += wanted;
        const deliveries = unwrap(await this.#bus.receive(benchQueue, { max: wanted, waitMs: 1000, leaseMs }));
        claimed -= wanted - deliveries.length;
        if (deliveries.length === 0) return;
        unwrap(await this.#bus.completeMany(deliveries.map((delivery) => ({ delivery, items: [] }))));
        handled.push(...deliveries.map(({ envelope }) => envelope.id));
      }
    };
    await Promise.all(Array.from({ length: this.#lanes }, lane));
    return handled;
  }

  async close(): Promise<void> {
    await this.#bus.close();
  }
}
