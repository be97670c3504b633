import type { DeadLetter, DeliveryStatus, QueueStatistics, StreamEntry } from '../../bus.ts';
import { readEntry } from '../../stored-envelope.ts';
import type { EnvelopeReader } from './envelope-reader.ts';
import type { Journal } from './journal.ts';
import type { DeliveryNode } from './queue-index.ts';

const byName = (left: string, right: string): number => (left < right ? -1 : left === right ? 0 : 1);

/** What can be asked of the state. `now`: unix milliseconds. */
export class Views {
  readonly #journal: Journal;
  readonly #envelopes: EnvelopeReader;

  constructor(journal: Journal, envelopes: EnvelopeReader) {
    this.#journal = journal;
    this.#envelopes = envelopes;
  }

  stream(name: string, after: number, limit: number | undefined): readonly StreamEntry[] {
    return this.#envelopes.readAll(this.#journal.state.ledger.stream(name, after, limit));
  }

  after(position: number, limit: number): readonly StreamEntry[] {
    return this.#envelopes.readAll(this.#journal.state.ledger.after(position, limit));
  }

  untilDue(queue: string, now: number): number | null {
    return this.#journal.state.queues.get(queue)?.untilDue(now) ?? null;
  }

  queues(now: number): readonly QueueStatistics[] {
    const queues = [...this.#journal.state.queues.values()];
    return queues.toSorted((left, right) => byName(left.name, right.name)).map((queue) => queue.statistics(now));
  }

  deliveries(ids: readonly string[], now: number): readonly DeliveryStatus[] {
    const { state } = this.#journal;
    return ids.flatMap((envelopeId) => {
      const entry = state.ledger.find(envelopeId);
      const nodes = entry === undefined ? [] : state.deliveriesOf(entry.position);
      return nodes
        .toSorted((left, right) => byName(left.queue.name, right.queue.name))
        .map((node) => ({ envelopeId, queue: node.queue.name, state: standing(node, now), count: node.count }));
    });
  }

  deadLetters(): readonly DeadLetter[] {
    const { state } = this.#journal;
    const graves = [...state.graves.values()];
    const inOrder = graves.toSorted((left, right) => left.at - right.at || left.position - right.position);
    return inOrder.flatMap(({ id, queue, position, count, error, at }) => {
      const entry = state.ledger.at(position);
      if (entry === undefined) return [];
      const { envelope } = readEntry(this.#envelopes.row(entry));
      return [{ id, queue, envelope, count, error, buriedAt: new Date(at).toISOString() }];
    });
  }
}

function standing(node: DeliveryNode, now: number): DeliveryStatus['state'] {
  if (node.state === 'done' || node.state === 'buried') return node.state;
  return node.state === 'ready' || node.due <= now ? 'waiting' : node.state;
}
