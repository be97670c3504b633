import { failure, success, type AppError, type Result } from '@agentcompany/protocol';
import type { Delivery, Expectation, Receipt, StreamEntry } from '../../bus.ts';
import { clipError, deadLetterNotice, engineQueue, type BuriedDelivery } from '../../dead-letter-notice.ts';
import { busErrors } from '../../errors.ts';
import { prepareItems, type PreparedCompletion, type PreparedItem } from '../../outgoing.ts';
import { endScript } from './scripts/ending.ts';
import type { Offer } from './offers.ts';
import { extendScript, releaseScript } from './scripts/leasing.ts';
import { sendScript } from './scripts/sending.ts';
import { listAt, type Outcome, type Store, type Value } from './store.ts';
import { entryFields, readEntries, rowAt } from './stored-entry.ts';

/** What one step may carry, in bytes of its envelopes: a quarter of what a server takes as one call. */
const maxStepBytes = 256 * 1024 * 1024;

type Lease = Pick<Delivery, 'queue' | 'token'> & { readonly id: string };

interface End {
  readonly leases: readonly Lease[];
  readonly items: readonly PreparedItem[];
  readonly expect: Expectation | undefined;
  /** Of what is buried: the id of its notice and its error. */
  readonly burial?: { readonly notice: string; readonly error: AppError };
}

/** A holder stops a fifth before its lease ends (DESIGN §4). `since`: when the lease was asked for; both in `performance.now()` milliseconds. */
export function holderDeadline(since: number, leaseMs: number): number {
  return since + leaseMs * 0.8;
}

/** The steps of the bus, each one call of a script. */
export class Steps {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** A repeated send is answered with the first entries, wherever the stream has gone since. */
  async send(items: readonly PreparedItem[], expect: Expectation | undefined): Promise<Result<Receipt>> {
    const carried = checkStep(items);
    if (!carried.ok) return carried;
    const values = [...expectValues(expect), ...itemValues(items)];
    const sent = await this.#store.run(sendScript, values, { durability: 'durable' });
    return sent.ok ? this.#receipt(sent.value, items, expect, []) : sent;
  }

  complete(completions: readonly PreparedCompletion[], expect: Expectation | undefined): Promise<Result<Receipt>> {
    return this.#end({
      leases: completions.map(({ delivery }) => leaseOf(delivery)),
      items: completions.flatMap(({ items }) => items),
      expect,
    });
  }

  reject(delivery: Delivery, reason: AppError, items: readonly PreparedItem[]): Promise<Result<Receipt>> {
    const { envelope, queue, count, epoch } = delivery;
    const { id, envelope_type: envelopeType, context } = envelope;
    return this.bury({ id, envelopeType, context, queue, count, epoch }, delivery.token, reason, items);
  }

  /**
   * Buries a delivery: its notice goes to the stream and to queue `engine`. The notice of a notice goes to the stream only, else two of
   * them would chase each other for ever.
   */
  async bury(
    buried: BuriedDelivery,
    token: string,
    reason: AppError,
    items: readonly PreparedItem[],
  ): Promise<Result<Receipt>> {
    const error = clipError(reason);
    const notice = deadLetterNotice(buried, error, this.#store.now());
    const queue = buried.envelopeType === 'dead_letter' ? null : engineQueue;
    const prepared = prepareItems([{ envelope: notice, queue }]);
    if (!prepared.ok) return prepared;
    return this.#end({
      leases: [{ queue: buried.queue, id: buried.id, token }],
      items: [...items, ...prepared.value],
      expect: undefined,
      burial: { notice: notice.id, error },
    });
  }

  async extend(delivery: Delivery, leaseMs: number): Promise<Result<Delivery>> {
    const since = performance.now();
    const values = [...leaseValues(leaseOf(delivery)), Math.ceil(leaseMs)];
    const extended = await this.#store.run(extendScript, values);
    if (!extended.ok) return extended;
    if (extended.value.word === 'stale') return failure(staleLease(leaseOf(delivery)));
    return success({ ...delivery, leaseUntil: holderDeadline(since, leaseMs) });
  }

  /** A repetition that finds the lease gone has given it back before, or has lost it: both are what was asked for. */
  async release(delivery: Delivery, notBefore: number): Promise<Result<undefined>> {
    let wasRepeated = false;
    const values = [...leaseValues(leaseOf(delivery)), Math.ceil(notBefore)];
    const released = await this.#store.runTold(releaseScript, (isRepeated) => {
      wasRepeated = isRepeated;
      return values;
    });
    if (!released.ok) return released;
    const isStale = released.value.word === 'stale' && !wasRepeated;
    return isStale ? failure(staleLease(leaseOf(delivery))) : success(undefined);
  }

  /** Gives back what was offered to nobody. An error leaves it leased until it lapses. */
  giveBack({ queue, token, entries }: Offer): void {
    for (let first = 0; first < entries.length; first += entryFields)
      void this.#store.run(releaseScript, [queue, rowAt(entries, first).id, token, 0]);
  }

  async #end({ leases, items, expect, burial }: End): Promise<Result<Receipt>> {
    const carried = checkStep(items);
    if (!carried.ok) return carried;
    const values = [
      ...expectValues(expect),
      burial === undefined ? 'c' : 'b',
      ...groupValues(leases),
      ...(burial === undefined ? [] : [burial.notice, JSON.stringify(burial.error)]),
      ...itemValues(items),
    ];
    const ended = await this.#store.run(endScript, values, { durability: 'durable' });
    return ended.ok ? this.#receipt(ended.value, items, expect, leases) : ended;
  }

  #receipt(
    { word, rest }: Outcome,
    items: readonly PreparedItem[],
    expect: Expectation | undefined,
    leases: readonly Lease[],
  ): Result<Receipt> {
    switch (word) {
      case 'conflict': {
        const { stream, version } = expect ?? { stream: '', version: 0 };
        return failure(busErrors.AC_BUS_CONFLICT({ stream, expected: version, actual: Number(rest[0]) }));
      }
      case 'id':
        return failure(busErrors.AC_BUS_ID_CONFLICT({ id: String(rest[0]) }));
      case 'stale': {
        const lease = leases[Number(rest[0]) - 1];
        return failure(
          lease === undefined ? busErrors.AC_BUS_STALE_LEASE({ subject: 'a delivery' }) : staleLease(lease),
        );
      }
      default:
        this.#store.saw(rest[0]);
        return success({
          entries: word === 'before' ? readEntries(listAt(rest, 1)) : entriesOf(items, listAt(rest, 1)),
        });
    }
  }
}

function staleLease({ id, queue }: Lease): AppError {
  return busErrors.AC_BUS_STALE_LEASE({ subject: `envelope ${id} of queue ${queue}` });
}

function leaseOf({ queue, envelope, token }: Delivery): Lease {
  return { queue, id: envelope.id, token };
}

function leaseValues({ queue, id, token }: Lease): readonly Value[] {
  return [queue, id, token];
}

/** The leases in their order; those that follow each other with the same queue and token name them once. */
function groupValues(leases: readonly Lease[]): readonly Value[] {
  const groups: { readonly queue: string; readonly token: string; readonly ids: string[] }[] = [];
  for (const { queue, token, id } of leases) {
    const last = groups.at(-1);
    if (last?.queue === queue && last.token === token) last.ids.push(id);
    else groups.push({ queue, token, ids: [id] });
  }
  return [groups.length, ...groups.flatMap(({ queue, token, ids }) => [queue, token, ids.length, ...ids])];
}

function expectValues(expect: Expectation | undefined): readonly Value[] {
  return expect === undefined ? ['', ''] : [expect.stream, expect.version];
}

function itemValues(items: readonly PreparedItem[]): readonly Value[] {
  const values: Value[] = [items.length];
  for (const { envelope, digest, stream, queue, notBefore, json } of items)
    values.push(envelope.id, digest.toString('base64'), stream, queue ?? '', notBefore, json);
  return values;
}

function checkStep(items: readonly PreparedItem[]): Result<undefined> {
  let bytes = 0;
  for (const { envelope, json } of items) {
    bytes += json.length;
    if (bytes > maxStepBytes) {
      return failure(busErrors.AC_BUS_PAYLOAD_TOO_LARGE({ id: envelope.id, bytes, limit: maxStepBytes }));
    }
  }
  return success(undefined);
}

/** The script tells position, stream and seq of each item; the same envelope for two queues is one entry. */
function entriesOf(items: readonly PreparedItem[], told: readonly unknown[]): readonly StreamEntry[] {
  const entries = new Map<number, StreamEntry>();
  for (const [index, { envelope }] of items.entries()) {
    const [position, stream, seq] = told.slice(3 * index, 3 * index + 3);
    entries.set(Number(position), { stream: String(stream), seq: Number(seq), position: Number(position), envelope });
  }
  return [...entries.values()];
}
