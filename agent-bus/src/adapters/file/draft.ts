import { crc32 } from 'node:zlib';
import { failure, success, unwrap, type AppError, type Result } from '@agentcompany/protocol';
import type { Expectation, StreamEntry } from '../../bus.ts';
import { clipError, deadLetterNotice, engineQueue, type BuriedDelivery } from '../../dead-letter-notice.ts';
import { busErrors } from '../../errors.ts';
import { prepareItems, type PreparedItem } from '../../outgoing.ts';
import type { State } from './state.ts';
import type { DeliveryFact, EntryFact, GraveFact, Step } from './step.ts';

type Known = Pick<EntryFact, 'stream' | 'seq' | 'position' | 'digest'> & {
  readonly isDamaged: boolean;
  readonly isForgotten: boolean;
};

/** A step in the making: what one call would write. It changes nothing; dropped, it leaves nothing behind. */
export class Draft {
  readonly #state: State;
  /** Unix milliseconds. */
  readonly #now: number;
  #last: number;
  #floor = 0;
  readonly #entries = new Map<string, EntryFact>();
  readonly #versions = new Map<string, number>();
  readonly #deliveries = new Map<string, DeliveryFact>();
  readonly #graves: GraveFact[] = [];
  readonly #healed = new Map<number, Pick<EntryFact, 'position' | 'bytes' | 'check'>>();
  readonly #bodies: Buffer[] = [];
  readonly #healedBodies: Buffer[] = [];

  constructor(state: State, now: number) {
    this.#state = state;
    this.#now = now;
    this.#last = state.ledger.lastPosition;
  }

  /** Error: `AC_BUS_CONFLICT` unless the stream is where the decision was made. */
  check(expect: Expectation | undefined): Result<undefined> {
    const actual = expect === undefined ? 0 : this.#state.ledger.version(expect.stream);
    if (expect === undefined || actual === expect.version) return success(undefined);
    return failure(busErrors.AC_BUS_CONFLICT({ stream: expect.stream, expected: expect.version, actual }));
  }

  /** True where every item is known with the same content: nothing is left to decide. */
  isRepetition(items: readonly PreparedItem[]): boolean {
    return items.length > 0 && items.every((item) => this.#known(item)?.digest === digestOf(item));
  }

  /** Appends the items and puts them into their queues. Error: `AC_BUS_ID_CONFLICT`. */
  append(items: readonly PreparedItem[]): Result<readonly StreamEntry[]> {
    const entries = new Map<number, StreamEntry>();
    for (const item of items) {
      const entry = this.#appendOne(item);
      if (!entry.ok) return entry;
      entries.set(entry.value.position, entry.value);
    }
    return success([...entries.values()]);
  }

  set(fact: DeliveryFact): void {
    this.#deliveries.set(keyOf(fact), fact);
  }

  /**
   * The notice of a buried delivery goes to the stream and to queue `engine`. The notice of a notice goes to the stream only, else two
   * of them would chase each other for ever. The caller ends the delivery.
   */
  bury(position: number, buried: BuriedDelivery, reason: AppError): readonly StreamEntry[] {
    const error = clipError(reason);
    const notice = deadLetterNotice(buried, error, this.#now);
    const queue = buried.envelopeType === 'dead_letter' ? null : engineQueue;
    const entries = unwrap(this.append(unwrap(prepareItems([{ envelope: notice, queue }]))));
    const { count } = buried;
    this.#graves.push({ id: notice.id, queue: buried.queue, position, count, error, at: this.#now });
    return entries;
  }

  /** A place in a queue behind all that were taken so far. No entry will have its position, or two of them would have one place. */
  takePlace(): number {
    this.#last += 1;
    this.#floor = this.#last;
    return this.#last;
  }

  get step(): Step {
    return {
      ...(this.#entries.size > 0 && { entries: [...this.#entries.values()] }),
      ...(this.#healed.size > 0 && { healed: [...this.#healed.values()] }),
      ...(this.#deliveries.size > 0 && { deliveries: [...this.#deliveries.values()] }),
      ...(this.#graves.length > 0 && { graves: this.#graves }),
      ...(this.#floor > 0 && { floor: this.#floor }),
    };
  }

  get bodies(): readonly Buffer[] {
    return [...this.#bodies, ...this.#healedBodies];
  }

  #known(item: PreparedItem): Known | undefined {
    const { id } = item.envelope;
    const kept = this.#state.ledger.find(id);
    const known = this.#entries.get(id) ?? kept ?? this.#state.forgotten.get(id);
    if (known === undefined) return undefined;
    const { stream, seq, position, digest } = known;
    return { stream, seq, position, digest, isDamaged: kept?.sound === false, isForgotten: 'until' in known };
  }

  #appendOne(item: PreparedItem): Result<StreamEntry> {
    const known = this.#known(item);
    if (known !== undefined && known.digest !== digestOf(item))
      return failure(busErrors.AC_BUS_ID_CONFLICT({ id: item.envelope.id }));
    const { stream, seq, position } = known ?? this.#add(item);
    if (known?.isDamaged === true) this.#heal(position, item);
    if (item.queue !== null && known?.isForgotten !== true)
      this.#deliver(item, position, known === undefined ? position : null);
    return success({ stream, seq, position, envelope: item.envelope });
  }

  #add(item: PreparedItem): EntryFact {
    const { stream, envelope } = item;
    this.#last += 1;
    const body = Buffer.from(item.json);
    const seq = (this.#versions.get(stream) ?? this.#state.ledger.version(stream)) + 1;
    const fact = {
      id: envelope.id,
      stream,
      seq,
      position: this.#last,
      at: this.#now,
      digest: digestOf(item),
      bytes: body.length,
      check: crc32(body),
    };
    this.#versions.set(stream, seq);
    this.#entries.set(fact.id, fact);
    this.#bodies.push(body);
    return fact;
  }

  /** The stored bytes were damaged and the same content has come again. */
  #heal(position: number, item: PreparedItem): void {
    if (this.#healed.has(position)) return;
    const body = Buffer.from(item.json);
    this.#healed.set(position, { position, bytes: body.length, check: crc32(body) });
    this.#healedBodies.push(body);
  }

  /** Adds the delivery unless (envelope, queue) has one already, in whatever state. */
  #deliver(item: PreparedItem, position: number, ownPlace: number | null): void {
    const queue = item.queue ?? '';
    if (this.#state.delivery(queue, position) !== undefined || this.#deliveries.has(keyOf({ queue, position }))) return;
    const place = ownPlace ?? this.takePlace();
    const isDelayed = item.notBefore > this.#now;
    this.set({
      queue,
      position,
      state: isDelayed ? 'delayed' : 'ready',
      ...(place !== position && { place }),
      ...(isDelayed && { due: item.notBefore }),
    });
  }
}

function digestOf(item: PreparedItem): string {
  return item.digest.toString('base64');
}

function keyOf({ queue, position }: Pick<DeliveryFact, 'queue' | 'position'>): string {
  return `${position} ${queue}`;
}
