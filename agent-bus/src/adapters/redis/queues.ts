import { success, type Result } from '@agentcompany/protocol';
import type { DeliveryStatus, QueueStatistics } from '../../bus.ts';
import { deliveriesScript, queuesScript } from './scripts/reading.ts';
import { listAt, type Store } from './store.ts';

const states: Readonly<Record<string, DeliveryStatus['state']>> = {
  w: 'waiting',
  d: 'delayed',
  l: 'leased',
  c: 'done',
  b: 'buried',
  p: 'buried',
};

/** The state behind the letter of a record. */
export function stateOf(letter: unknown): DeliveryStatus['state'] {
  return states[String(letter)] ?? 'waiting';
}

const byText = (left: string, right: string): number => (left < right ? -1 : Number(left > right));

/** Tells what the queues hold. Errors: as `Link.run`. */
export class Queues {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async statistics(): Promise<Result<readonly QueueStatistics[]>> {
    const answered = await this.#store.run(queuesScript, []);
    if (!answered.ok) return answered;
    const told = listAt(answered.value.rest, 0);
    const all: QueueStatistics[] = [];
    for (let first = 0; first < told.length; first += 4) {
      const [waiting = 0, delayed = 0, leased = 0] = told.slice(first + 1, first + 4).map(Number);
      all.push({ queue: String(told[first]), waiting, delayed, leased });
    }
    return success(all.toSorted((left, right) => byText(left.queue, right.queue)));
  }

  async deliveries(envelopeIds: readonly string[]): Promise<Result<readonly DeliveryStatus[]>> {
    const ids = [...new Set(envelopeIds)];
    const answered = await this.#store.run(deliveriesScript, [ids.length, ...ids]);
    if (!answered.ok) return answered;
    const told = listAt(answered.value.rest, 0);
    const order = new Map(ids.map((id, index) => [id, index]));
    const all: DeliveryStatus[] = [];
    for (let first = 0; first < told.length; first += 4) {
      const [envelopeId, queue, state, count] = told.slice(first, first + 4);
      all.push({ envelopeId: String(envelopeId), queue: String(queue), state: stateOf(state), count: Number(count) });
    }
    const place = ({ envelopeId }: DeliveryStatus): number => order.get(envelopeId) ?? 0;
    return success(all.toSorted((left, right) => place(left) - place(right) || byText(left.queue, right.queue)));
  }
}
