import type { Changes } from './changes.ts';
import { IndexedStreams, type Entry, type Location } from './indexed-streams.ts';
import { isOpen, QueueIndex, type DeliveryNode } from './queue-index.ts';
import type { DeliveryFact, ForgottenFact, GraveFact, LeaseFact, Step } from './step.ts';

/** Where the bytes of an envelope lie, and whether they are what was written. */
export interface StoredBody {
  readonly location: Location;
  readonly sound: boolean;
}

/** The fold of the journal: an index. Envelopes stay on disk. */
export class State {
  readonly ledger = new IndexedStreams();
  readonly queues = new Map<string, QueueIndex>();
  readonly graves = new Map<string, GraveFact>();
  readonly leases = new Map<string, LeaseFact>();
  readonly forgotten = new Map<string, ForgottenFact>();
  /** Deliveries by the position of their envelope; mostly one each. */
  readonly #deliveries = new Map<number, DeliveryNode[]>();
  boot = '';
  /** Where it notes what changes; null while nobody asks. */
  changes: Changes | null = null;

  /** `bodies`: of `entries` and then of `healed`, in their order. */
  apply(step: Step, bodies: readonly StoredBody[]): void {
    let next = 0;
    for (const fact of step.entries ?? []) {
      this.ledger.add(fact, bodies[next++]);
      this.changes?.streams.add(fact.stream);
    }
    for (const fact of step.healed ?? []) this.ledger.heal(fact, bodies[next++]);
    for (const fact of step.deliveries ?? []) this.#setDelivery(fact);
    for (const grave of step.graves ?? []) this.graves.set(grave.id, grave);
    for (const id of step.purged ?? []) this.graves.delete(id);
    for (const lease of step.leases ?? []) this.leases.set(lease.name, lease);
    for (const forgotten of step.forgotten ?? []) this.forgotten.set(forgotten.id, forgotten);
    if (step.dropped !== undefined) for (const name of step.dropped.streams) this.#drop(name, step.dropped.until);
    if (step.tidied !== undefined) this.#tidy(step.tidied);
    if (step.floor !== undefined) this.ledger.raiseFloor(step.floor);
    this.boot = step.boot ?? this.boot;
  }

  /** The deliveries of the envelope at `position`. */
  deliveriesOf(position: number): readonly DeliveryNode[] {
    return this.#deliveries.get(position) ?? [];
  }

  delivery(queue: string, position: number): DeliveryNode | undefined {
    return this.#deliveries.get(position)?.find((node) => node.queue.name === queue);
  }

  deliveries(): IterableIterator<readonly DeliveryNode[]> {
    return this.#deliveries.values();
  }

  /** Of an envelope that damage took, a later fact may still speak: there is nothing left to deliver. */
  #setDelivery(fact: DeliveryFact): void {
    if (this.ledger.at(fact.position) === undefined) return;
    const queue = this.queues.get(fact.queue) ?? new QueueIndex(fact.queue);
    this.queues.set(queue.name, queue);
    const known = this.delivery(fact.queue, fact.position);
    const node = known ?? this.#addDelivery(queue, fact.position);
    queue.set(node, fact);
    if (isOpen(node) !== node.isProjected) this.changes?.nodes.add(node);
  }

  #addDelivery(queue: QueueIndex, position: number): DeliveryNode {
    const node: DeliveryNode = {
      queue,
      position,
      place: position,
      state: 'ready',
      due: 0,
      lease: 0,
      count: 0,
      epoch: 0,
      token: null,
      receipt: null,
      isProjected: false,
      slot: -1,
    };
    const others = this.#deliveries.get(position);
    if (others === undefined) this.#deliveries.set(position, [node]);
    else others.push(node);
    queue.size += 1;
    return node;
  }

  #drop(stream: string, until: number): void {
    this.changes?.streams.add(stream);
    for (const entry of this.ledger.drop(stream)) {
      const { id, seq, position, digest } = entry;
      this.forgotten.set(id, { id, stream, seq, position, digest, until });
      for (const { queue } of this.#deliveries.get(position) ?? []) {
        queue.size -= 1;
        if (queue.size === 0) this.queues.delete(queue.name);
      }
      this.#deliveries.delete(position);
    }
  }

  #tidy(now: number): void {
    for (const { id, until } of Array.from(this.forgotten.values())) if (until <= now) this.forgotten.delete(id);
  }
}

export type { Entry, Location };
