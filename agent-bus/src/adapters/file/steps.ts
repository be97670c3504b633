import { failure, success, type AppError, type Envelope, type Result } from '@agentcompany/protocol';
import { beginsInFuture } from '../../lease-clock.ts';
import type { Delivery, Expectation, Receipt, StreamEntry } from '../../bus.ts';
import { busErrors } from '../../errors.ts';
import { newLeaseToken } from '../../lease-holder.ts';
import type { PreparedCompletion, PreparedItem } from '../../outgoing.ts';
import { contextOfStream, readEnvelope } from '../../stored-envelope.ts';
import { Draft } from './draft.ts';
import type { EnvelopeReader } from './envelope-reader.ts';
import { factOf, isOpen, type DeliveryNode } from './queue-index.ts';
import type { Entry, State } from './state.ts';
import type { Step } from './step.ts';

/** What a call would write, and its answer. Without `step` it writes nothing. */
export interface Plan<Value> {
  readonly result: Result<Value>;
  readonly step?: Step;
  readonly bodies?: readonly Buffer[];
}

/** What one claim took. */
export interface Claimed {
  readonly deliveries: readonly Delivery[];
  /** Something was buried: its notice may wait in the very queue, once this step is applied. */
  readonly hasBuried: boolean;
}

export interface StepOptions {
  /** The fold as it is now; another object after a reload. */
  readonly state: () => State;
  readonly envelopes: EnvelopeReader;
  readonly maxDeliveries: number;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** A holder stops a fifth before its lease ends (DESIGN §4). Milliseconds of `performance.now()`. */
function holderDeadline(leaseMs: number): number {
  return performance.now() + leaseMs * 0.8;
}

/** What each call of the bus would do to the state. Called under the lock. */
export class Steps {
  readonly #options: StepOptions;

  constructor(options: StepOptions) {
    this.#options = options;
  }

  get #state(): State {
    return this.#options.state();
  }

  /** A repeated send is answered with the first entries, wherever the stream has gone since. */
  send(items: readonly PreparedItem[], expect: Expectation | undefined): Plan<Receipt> {
    const draft = this.#draft();
    const expected = draft.check(expect);
    if (!expected.ok && !draft.isRepetition(items)) return { result: expected };
    const entries = draft.append(items);
    return entries.ok ? planOf(draft, { entries: entries.value }) : { result: entries };
  }

  /** Leases up to `max` deliveries; the count is written before anyone handles them. What has spent its deliveries or cannot be read is buried instead. */
  claim(queue: string, max: number, leaseMs: number): Plan<Claimed> {
    const index = this.#state.queues.get(queue);
    const draft = this.#draft();
    const claimed: Delivery[] = [];
    let hasBuried = false;
    const take = (): readonly DeliveryNode[] => index?.take(this.#options.now(), max - claimed.length) ?? [];
    for (let nodes = take(); nodes.length > 0; nodes = claimed.length < max ? take() : []) {
      for (const node of nodes) {
        const entry = this.#entryOf(node);
        const envelope = this.#fit(node, entry, queue);
        if (envelope.ok) claimed.push(this.#lease(draft, node, entry, envelope.value, leaseMs));
        else {
          this.#buryUnfit(draft, node, entry, envelope.error);
          hasBuried = true;
        }
      }
    }
    return planOf(draft, { deliveries: claimed, hasBuried });
  }

  /** Ends the deliveries and appends what follows from them; the same step again gives the first receipt. */
  complete(completions: readonly PreparedCompletion[], expect: Expectation | undefined): Plan<Receipt> {
    const nodes: DeliveryNode[] = [];
    for (const { delivery } of completions) {
      const node = this.#held(delivery);
      if (!node.ok) return { result: node };
      nodes.push(node.value);
    }
    const open = nodes.filter(isOpen);
    if (nodes.length > 0 && open.length === 0) return { result: success({ entries: this.#firstEntries(nodes[0]) }) };
    const stale = completions.find((_completion, index) => !isStillOpen(nodes[index]));
    if (stale !== undefined) return { result: failure(staleLease(stale.delivery)) };
    const draft = this.#draft();
    const expected = draft.check(expect);
    if (!expected.ok) return { result: expected };
    const entries = draft.append(completions.flatMap(({ items }) => items));
    if (!entries.ok) return { result: entries };
    const receipt = positionsOf(entries.value);
    for (const node of nodes) draft.set(factOf(node, { state: 'done', due: 0, receipt }));
    return planOf(draft, { entries: entries.value });
  }

  reject(delivery: Delivery, reason: AppError, items: readonly PreparedItem[]): Plan<Receipt> {
    const held = this.#held(delivery);
    if (!held.ok) return { result: held };
    const node = held.value;
    if (!isOpen(node)) return { result: success({ entries: this.#firstEntries(node) }) };
    const draft = this.#draft();
    const appended = draft.append(items);
    if (!appended.ok) return { result: appended };
    const { envelope, queue } = delivery;
    const { id, envelope_type: envelopeType, context } = envelope;
    const buried = { id, envelopeType, context, queue, count: node.count, epoch: node.epoch };
    const entries = [...appended.value, ...draft.bury(node.position, buried, reason)];
    draft.set(factOf(node, { state: 'buried', due: 0, receipt: positionsOf(entries) }));
    return planOf(draft, { entries });
  }

  extend(delivery: Delivery, leaseMs: number): Plan<Delivery> {
    const node = this.#open(delivery);
    if (!node.ok) return { result: node };
    const draft = this.#draft();
    const due = Math.ceil(this.#options.now() + leaseMs);
    draft.set(factOf(node.value, { state: 'leased', due, lease: Math.ceil(leaseMs) }));
    return planOf(draft, { ...delivery, leaseUntil: holderDeadline(leaseMs) });
  }

  release(delivery: Delivery, notBefore: number): Plan<undefined> {
    const found = this.#open(delivery);
    if (!found.ok) return { result: found };
    const node = found.value;
    const draft = this.#draft();
    const isDelayed = notBefore > this.#options.now();
    const due = isDelayed ? Math.ceil(notBefore) : 0;
    draft.set(factOf(node, { state: isDelayed ? 'delayed' : 'ready', due, count: node.count - 1, token: null }));
    return planOf(draft, undefined);
  }

  requeue(id: string): Plan<undefined> {
    const grave = this.#state.graves.get(id);
    const node = grave === undefined ? undefined : this.#state.delivery(grave.queue, grave.position);
    if (node === undefined) return { result: failure(busErrors.AC_BUS_UNKNOWN_DEAD_LETTER({ id })) };
    const draft = this.#draft();
    const place = draft.takePlace();
    draft.set(factOf(node, { state: 'ready', due: 0, count: 0, token: null, receipt: null, place }));
    return { result: success(undefined), step: { ...draft.step, purged: [id] } };
  }

  purge(id: string): Plan<undefined> {
    if (!this.#state.graves.has(id)) return { result: failure(busErrors.AC_BUS_UNKNOWN_DEAD_LETTER({ id })) };
    return { result: success(undefined), step: { purged: [id] } };
  }

  /** The clock went back: leases taken before count as lapsed. */
  expireFuture(): Plan<undefined> {
    const draft = this.#draft();
    const now = this.#options.now();
    for (const { timed } of this.#state.queues.values())
      for (const node of timed)
        if (node.state === 'leased' && beginsInFuture(node, now)) draft.set(factOf(node, { due: 0 }));
    return planOf(draft, undefined);
  }

  #draft(): Draft {
    return new Draft(this.#state, this.#options.now());
  }

  /** The delivery whose lease token is still the last one given, ended or not. A lapsed lease counts until the next one is given. */
  #held(delivery: Delivery): Result<DeliveryNode> {
    const entry = this.#state.ledger.find(delivery.envelope.id);
    const node = entry === undefined ? undefined : this.#state.delivery(delivery.queue, entry.position);
    return node !== undefined && node.token === delivery.token ? success(node) : failure(staleLease(delivery));
  }

  #open(delivery: Delivery): Result<DeliveryNode> {
    const node = this.#held(delivery);
    return node.ok && !isOpen(node.value) ? failure(staleLease(delivery)) : node;
  }

  #firstEntries(node: DeliveryNode | undefined): readonly StreamEntry[] {
    const entries = (node?.receipt ?? []).map((position) => this.#state.ledger.at(position));
    return this.#options.envelopes.readAll(entries.filter((entry) => entry !== undefined));
  }

  #entryOf(node: DeliveryNode): Entry {
    const entry = this.#state.ledger.at(node.position);
    if (entry === undefined) throw new Error(`delivery ${node.position} of ${node.queue.name} has no envelope`);
    return entry;
  }

  #fit(node: DeliveryNode, entry: Entry, queue: string): Result<Envelope> {
    if (node.count < this.#options.maxDeliveries) return readEnvelope(this.#options.envelopes.row(entry));
    return failure(busErrors.AC_BUS_DELIVERIES_SPENT({ id: entry.id, count: node.count, queue }));
  }

  #lease(draft: Draft, node: DeliveryNode, entry: Entry, envelope: Envelope, leaseMs: number): Delivery {
    const token = newLeaseToken();
    const [count, epoch] = [node.count + 1, node.epoch + 1];
    const due = Math.ceil(this.#options.now() + leaseMs);
    draft.set(factOf(node, { state: 'leased', due, lease: Math.ceil(leaseMs), count, epoch, token }));
    const { stream, seq } = entry;
    const queue = node.queue.name;
    return { queue, stream, seq, envelope, count, epoch, token, leaseUntil: holderDeadline(leaseMs) };
  }

  #buryUnfit(draft: Draft, node: DeliveryNode, entry: Entry, error: AppError): void {
    const read = readEnvelope(this.#options.envelopes.row(entry));
    const { id, stream } = entry;
    const buried = {
      id,
      envelopeType: read.ok ? read.value.envelope_type : 'unknown',
      context: read.ok ? read.value.context : contextOfStream(stream),
      queue: node.queue.name,
      count: node.count,
      epoch: node.epoch,
    };
    draft.bury(node.position, buried, error);
    draft.set(factOf(node, { state: 'buried', due: 0, token: null, receipt: null }));
  }
}

function planOf<Value>(draft: Draft, value: Value): Plan<Value> {
  const { step, bodies } = draft;
  const result = success(value) as Result<Value>;
  return Object.keys(step).length === 0 ? { result } : { result, step, bodies };
}

function isStillOpen(node: DeliveryNode | undefined): boolean {
  return node !== undefined && isOpen(node);
}

function staleLease(delivery: Delivery): AppError {
  return busErrors.AC_BUS_STALE_LEASE({ subject: `envelope ${delivery.envelope.id} of queue ${delivery.queue}` });
}

function positionsOf(entries: readonly StreamEntry[]): readonly number[] {
  return entries.map(({ position }) => position);
}
