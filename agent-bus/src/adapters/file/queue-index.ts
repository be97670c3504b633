import type { QueueStatistics } from '../../bus.ts';
import { IndexedHeap, type HeapItem } from './indexed-heap.ts';
import type { DeliveryFact, DeliveryState } from './step.ts';

/** One (envelope, queue). Times in unix milliseconds. */
export interface DeliveryNode extends HeapItem {
  readonly queue: QueueIndex;
  readonly position: number;
  place: number;
  state: DeliveryState;
  due: number;
  lease: number;
  count: number;
  epoch: number;
  token: string | null;
  receipt: readonly number[] | null;
  /** Whether it has a file for people. */
  isProjected: boolean;
}

/** What can be claimed of one queue, in order, and what will be at its time. A claim costs O(log n) at any depth and after any history. */
export class QueueIndex {
  readonly name: string;
  /** All deliveries there are, ended ones too. */
  size = 0;
  readonly #ready = new IndexedHeap<DeliveryNode>(
    (left, right) => left.place < right.place || (left.place === right.place && left.position < right.position),
  );
  readonly #timed = new IndexedHeap<DeliveryNode>((left, right) => left.due < right.due);

  constructor(name: string) {
    this.name = name;
  }

  /** Gives `node` the standing of the fact. */
  set(node: DeliveryNode, fact: DeliveryFact): void {
    this.#ready.remove(node);
    this.#timed.remove(node);
    node.place = fact.place ?? fact.position;
    node.state = fact.state;
    node.due = fact.due ?? 0;
    node.lease = fact.lease ?? 0;
    node.count = fact.count ?? 0;
    node.epoch = fact.epoch ?? 0;
    node.token = fact.token ?? null;
    node.receipt = fact.receipt ?? null;
    if (node.state === 'ready') this.#ready.add(node);
    else if (isOpen(node)) this.#timed.add(node);
  }

  /** The first deliveries in the order of their place, lapsed leases and due timers among them; at most `max`. They leave the index until they are `set`. */
  take(now: number, max: number): readonly DeliveryNode[] {
    this.#makeDue(now);
    const taken: DeliveryNode[] = [];
    for (let first = this.#ready.first; first !== undefined && taken.length < max; first = this.#ready.first) {
      this.#ready.remove(first);
      taken.push(first);
    }
    return taken;
  }

  /** Milliseconds until something can be claimed: 0 for at once, null where nothing waits. */
  untilDue(now: number): number | null {
    this.#makeDue(now);
    if (this.#ready.size > 0) return 0;
    const due = this.#timed.first?.due;
    return due === undefined ? null : Math.max(0, due - now);
  }

  /** The deliveries that wait for a time or are leased. */
  get timed(): readonly DeliveryNode[] {
    return this.#timed.items;
  }

  /** Some of the open deliveries: `count` of those ready and of those timed, beginning with the `from`-th. */
  open(from: number, count: number): readonly DeliveryNode[] {
    return [this.#ready, this.#timed].flatMap(({ items }) => items.slice(from, from + count));
  }

  statistics(now: number): QueueStatistics {
    this.#makeDue(now);
    const leased = this.#timed.items.filter(({ state }) => state === 'leased').length;
    return { queue: this.name, waiting: this.#ready.size, delayed: this.#timed.size - leased, leased };
  }

  #makeDue(now: number): void {
    for (let first = this.#timed.first; first !== undefined && first.due <= now; first = this.#timed.first) {
      this.#timed.remove(first);
      this.#ready.add(first);
    }
  }
}

/** True where the delivery can be claimed, now or later. */
export function isOpen(node: DeliveryNode): boolean {
  return node.state !== 'done' && node.state !== 'buried';
}

/** The standing of a delivery as a fact, with `changes` over it. */
export function factOf(node: DeliveryNode, changes: Partial<DeliveryFact> = {}): DeliveryFact {
  const { position, place, state, due, lease, count, epoch, token, receipt } = node;
  const all = { queue: node.queue.name, position, place, state, due, lease, count, epoch, token, receipt, ...changes };
  return {
    queue: all.queue,
    position,
    state: all.state,
    ...(all.place !== position && { place: all.place }),
    ...(all.due > 0 && { due: all.due }),
    ...(all.lease > 0 && { lease: all.lease }),
    ...(all.count > 0 && { count: all.count }),
    ...(all.epoch > 0 && { epoch: all.epoch }),
    ...(all.token !== null && { token: all.token }),
    ...(all.receipt !== null && { receipt: all.receipt }),
  };
}
