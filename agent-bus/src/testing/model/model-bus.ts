import { streamOf, type Envelope } from '@agentcompany/protocol';
import type { DeliveryStatus, Expectation, OutgoingItem } from '../../bus.ts';
import { canonicalJson } from '../../canonical-json.ts';
import { deadLetterNotice, engineQueue } from '../../dead-letter-notice.ts';
import { testError } from '../support.ts';

/** A place in a stream: `stream seq id`. */
type Line = string;
/** An answer: what the call gave, or the code it was refused with. */
export type Answer<Value> = { readonly value: Value } | { readonly code: string };

export interface ModelEntry {
  readonly stream: string;
  readonly seq: number;
  readonly envelope: Envelope;
}

export interface ModelDelivery {
  readonly queue: string;
  readonly entry: ModelEntry;
  place: number;
  state: 'waiting' | 'delayed' | 'leased' | 'done' | 'buried';
  /** When a timer or a lease ends, in unix milliseconds. */
  due: number;
  count: number;
  epoch: number;
  /** The epoch whose holder may still speak; null when nobody may. */
  holder: number | null;
  /** What ended it, and the answer to whoever says so again. */
  end: { readonly by: string; readonly receipt: readonly Line[] } | null;
}

/** What names a lease. */
export interface LeaseName {
  readonly queue: string;
  readonly id: string;
  readonly epoch: number;
}

const lineOf = ({ stream, seq, envelope }: ModelEntry): Line => `${stream} ${seq} ${envelope.id}`;

/** The bus as it is meant: one thing after another, in memory. Made to be seen to be right, not to be fast. */
export class ModelBus {
  now: number;
  readonly maxDeliveries: number;
  readonly entries: ModelEntry[] = [];
  readonly deliveries: ModelDelivery[] = [];
  readonly letters = new Map<
    string,
    { readonly delivery: ModelDelivery; readonly count: number; readonly code: string }
  >();
  #places = 0;

  constructor(now: number, maxDeliveries: number) {
    this.now = now;
    this.maxDeliveries = maxDeliveries;
  }

  version(stream: string): number {
    return this.entries.filter((entry) => entry.stream === stream).length;
  }

  find({ queue, id }: Pick<LeaseName, 'queue' | 'id'>): ModelDelivery | undefined {
    return this.deliveries.find((delivery) => delivery.queue === queue && delivery.entry.envelope.id === id);
  }

  send(items: readonly OutgoingItem[], expect?: Expectation): Answer<readonly Line[]> {
    const isRepetition = items.length > 0 && items.every(({ envelope }) => this.#known(envelope) === 'same');
    if (!isRepetition && this.#differs(expect)) return { code: 'AC_BUS_CONFLICT' };
    return this.#append(items);
  }

  receive(queue: string, max: number, leaseMs: number): readonly ModelDelivery[] {
    const taken: ModelDelivery[] = [];
    for (let next = this.#firstDue(queue); next !== undefined && taken.length < max; next = this.#firstDue(queue)) {
      if (next.count >= this.maxDeliveries) {
        this.#bury(next, 'AC_BUS_DELIVERIES_SPENT');
        continue;
      }
      const epoch = next.epoch + 1;
      Object.assign(next, { state: 'leased', due: this.now + leaseMs, count: next.count + 1, epoch, holder: epoch });
      taken.push(next);
    }
    return taken;
  }

  complete(
    completions: readonly { readonly lease: LeaseName; readonly items: readonly OutgoingItem[] }[],
    expect?: Expectation,
  ): Answer<readonly Line[]> {
    const held = completions.map(({ lease }) => this.held(lease));
    if (held.includes(undefined)) return { code: 'AC_BUS_STALE_LEASE' };
    const ended = held.filter((delivery) => delivery?.end !== null);
    if (ended.length === held.length) return { value: ended[0]?.end?.receipt ?? [] };
    if (ended.length > 0) return { code: 'AC_BUS_STALE_LEASE' };
    if (this.#differs(expect)) return { code: 'AC_BUS_CONFLICT' };
    const appended = this.#append(completions.flatMap(({ items }) => items));
    if ('value' in appended)
      for (const delivery of held)
        Object.assign(delivery!, { state: 'done', end: { by: 'complete', receipt: appended.value } });
    return appended;
  }

  reject(lease: LeaseName, items: readonly OutgoingItem[]): Answer<readonly Line[]> {
    const held = this.held(lease);
    if (held === undefined) return { code: 'AC_BUS_STALE_LEASE' };
    if (held.end !== null) return { value: held.end.receipt };
    const appended = this.#append(items);
    if ('code' in appended) return appended;
    const receipt = [...appended.value, this.#bury(held, testError.code)];
    Object.assign(held, { holder: lease.epoch, end: { by: 'reject', receipt } });
    return { value: receipt };
  }

  extend(lease: LeaseName, leaseMs: number): Answer<null> {
    const held = this.held(lease);
    if (held === undefined || held.end !== null) return { code: 'AC_BUS_STALE_LEASE' };
    Object.assign(held, { state: 'leased', due: this.now + leaseMs });
    return { value: null };
  }

  release(lease: LeaseName, notBefore: number): Answer<null> {
    const held = this.held(lease);
    if (held === undefined || held.end !== null) return { code: 'AC_BUS_STALE_LEASE' };
    const state = notBefore > this.now ? 'delayed' : 'waiting';
    Object.assign(held, { state, due: notBefore, count: held.count - 1, holder: null });
    return { value: null };
  }

  requeue(letter: string): Answer<null> {
    const found = this.letters.get(letter);
    if (found === undefined) return { code: 'AC_BUS_UNKNOWN_DEAD_LETTER' };
    Object.assign(found.delivery, { state: 'waiting', count: 0, holder: null, end: null, place: this.#nextPlace() });
    return this.purge(letter);
  }

  purge(letter: string): Answer<null> {
    return this.letters.delete(letter) ? { value: null } : { code: 'AC_BUS_UNKNOWN_DEAD_LETTER' };
  }

  /** The delivery if this lease is the last one given of it, lapsed or ended or not. */
  held({ queue, id, epoch }: LeaseName): ModelDelivery | undefined {
    const found = this.find({ queue, id });
    return found?.holder === epoch ? found : undefined;
  }

  /** Where a delivery stands now: a lease or timer that is over leaves it waiting. */
  stateOf({ state, due }: ModelDelivery): DeliveryStatus['state'] {
    return (state === 'leased' || state === 'delayed') && due <= this.now ? 'waiting' : state;
  }

  /** True where something of the queue can be received now. */
  isDue(queue: string): boolean {
    return this.#firstDue(queue) !== undefined;
  }

  #known(envelope: Envelope): 'same' | 'other' | 'new' {
    const entry = this.entries.find((each) => each.envelope.id === envelope.id);
    if (entry === undefined) return 'new';
    return canonicalJson(entry.envelope) === canonicalJson(envelope) ? 'same' : 'other';
  }

  #differs(expect: Expectation | undefined): boolean {
    return expect !== undefined && this.version(expect.stream) !== expect.version;
  }

  #append(items: readonly OutgoingItem[]): Answer<readonly Line[]> {
    const contents = new Map(items.map(({ envelope }) => [envelope.id, canonicalJson(envelope)]));
    const isOther = ({ envelope }: OutgoingItem): boolean =>
      this.#known(envelope) === 'other' || contents.get(envelope.id) !== canonicalJson(envelope);
    if (items.some(isOther)) return { code: 'AC_BUS_ID_CONFLICT' };
    return { value: [...new Set(items.map((item) => this.#appendOne(item)))] };
  }

  #appendOne({ envelope, queue = envelope.recipient, notBefore = 0 }: OutgoingItem): Line {
    let entry = this.entries.find((each) => each.envelope.id === envelope.id);
    if (entry === undefined) {
      const stream = streamOf(envelope);
      entry = { stream, seq: this.version(stream) + 1, envelope };
      this.entries.push(entry);
    }
    if (queue !== null && this.find({ queue, id: envelope.id }) === undefined) {
      const state = notBefore > this.now ? 'delayed' : 'waiting';
      this.deliveries.push({
        queue,
        entry,
        place: this.#nextPlace(),
        state,
        due: notBefore,
        count: 0,
        epoch: 0,
        holder: null,
        end: null,
      });
    }
    return lineOf(entry);
  }

  #due(queue: string): readonly ModelDelivery[] {
    return this.deliveries.filter((delivery) => delivery.queue === queue && this.stateOf(delivery) === 'waiting');
  }

  #firstDue(queue: string): ModelDelivery | undefined {
    return this.#due(queue).toSorted((left, right) => left.place - right.place)[0];
  }

  #nextPlace(): number {
    this.#places += 1;
    return this.#places;
  }

  #bury(delivery: ModelDelivery, code: string): Line {
    const { envelope } = delivery.entry;
    const { queue, count, epoch } = delivery;
    const buried = {
      id: envelope.id,
      envelopeType: envelope.envelope_type,
      context: envelope.context,
      queue,
      count,
      epoch,
    };
    const notice = deadLetterNotice(buried, testError, this.now);
    this.letters.set(notice.id, { delivery, count, code });
    Object.assign(delivery, { state: 'buried', holder: null, end: { by: 'bury', receipt: [] } });
    return this.#appendOne({ envelope: notice, queue: envelope.envelope_type === 'dead_letter' ? null : engineQueue });
  }
}
