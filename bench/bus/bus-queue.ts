import type { AgentBus } from '@agentcompany/agent-bus';
import { unwrap, type Envelope } from '@agentcompany/protocol';
import { benchQueue } from './message.ts';
import type { Consumer, QueueUnderTest } from './queue-under-test.ts';

const leaseMs = 60_000;

/** Our bus through its port: nothing here knows an adapter. */
export class BusQueue implements QueueUnderTest {
  readonly #bus: AgentBus;

  constructor(bus: AgentBus) {
    this.#bus = bus;
  }

  async send(batches: readonly (readonly Envelope[])[]): Promise<void> {
    for (const batch of batches) unwrap(await this.#bus.send(batch.map((envelope) => ({ envelope }))));
  }

  async consumer(max: number): Promise<Consumer> {
    return { handle: (count) => this.#handle(count, max), close: () => Promise.resolve() };
  }

  async #handle(count: number, max: number): Promise<readonly string[]> {
    const handled: string[] = [];
    while (handled.length < count) {
      const deliveries = unwrap(await this.#bus.receive(benchQueue, { max, waitMs: 1000, leaseMs }));
      if (deliveries.length === 0) break;
      unwrap(await this.#bus.completeMany(deliveries.map((delivery) => ({ delivery, items: [] }))));
      handled.push(...deliveries.map(({ envelope }) => envelope.id));
    }
    return handled;
  }

  async close(): Promise<void> {
    await this.#bus.close();
  }
}
