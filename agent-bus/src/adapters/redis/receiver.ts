import { failure, success, type AppError, type Envelope, type Result } from '@agentcompany/protocol';
import type { Delivery, ReceiveOptions } from '../../bus.ts';
import { busErrors } from '../../errors.ts';
import { newLeaseToken } from '../../lease-holder.ts';
import { contextOfStream, readEnvelope, type MessageRow } from '../../stored-envelope.ts';
import type { Bells, Woken } from './bells.ts';
import type { Reply, RunOptions } from './link.ts';
import { offerTopic, type Offers } from './offers.ts';
import { claimScript, leaveScript } from './scripts/claiming.ts';
import { clockToleranceMs } from '../../lease-clock.ts';
import { lapseFutureScript } from './scripts/leasing.ts';
import { holderDeadline, type Steps } from './steps.ts';
import { listAt, type Outcome, type Store } from './store.ts';
import { entryFields, rowAt } from './stored-entry.ts';

export interface ReceiverOptions {
  readonly store: Store;
  readonly bells: Bells;
  readonly offers: Offers;
  readonly steps: Steps;
  /** The name under which this instance is offered deliveries. */
  readonly instance: string;
  readonly maxDeliveries: number;
  /** What the bus was closed with, null while it is open. */
  readonly refusal: () => AppError | null;
}

/** What one try to claim gave: deliveries, or how long until something is due (null: nothing is). */
interface Claimed {
  readonly deliveries: readonly Delivery[];
  readonly dueIn: number | null;
  /** True where the next try may give more. */
  readonly again: boolean;
  /** Something was buried on the way: it takes no place. */
  readonly hasBuried: boolean;
}

/** One call of `receive`. */
interface Claim {
  readonly queue: string;
  readonly max: number;
  readonly leaseMs: number;
  readonly token: string;
  /** As it stands among the waiters; empty where it does not wait. */
  readonly waiter: string;
  readonly options: RunOptions;
  /** True while it stands there. */
  isEnlisted: boolean;
  /** `performance.now()` of the last try, and the server's time that it told. */
  since: number;
  toldAt: number;
}

/** Gives out deliveries. */
export class Receiver {
  readonly #options: ReceiverOptions;
  #latest = 0;

  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  /** A server that is away is waited for as long as the caller waits. Errors: `AC_BUS_AWAY` where it does not wait, and as `Link.run`. */
  async receive(queue: string, options: ReceiveOptions): Promise<Result<readonly Delivery[]>> {
    const { offers, store, instance } = this.#options;
    const [max, leaseMs, token] = [Math.floor(options.max), Math.ceil(options.leaseMs), newLeaseToken()];
    const waiter = options.waitMs > 0 ? `${instance} ${token} ${max} ${leaseMs}` : '';
    const run = { until: performance.now() + options.waitMs, signal: options.signal };
    const claim: Claim = { queue, max, leaseMs, token, waiter, options: run, isEnlisted: false, since: 0, toldAt: 0 };
    offers.expect(token);
    try {
      return await this.#receive(claim, options);
    } finally {
      offers.forget(token);
      if (claim.isEnlisted) void store.run(leaveScript, [queue, waiter]);
    }
  }

  async #receive(claim: Claim, { waitMs, signal }: ReceiveOptions): Promise<Result<readonly Delivery[]>> {
    const { bells, refusal } = this.#options;
    const deadline = performance.now() + waitMs;
    let woken: Woken = 'rung';
    while (refusal() === null && !isAborted(signal)) {
      const seen = bells.generation;
      const claimed = await this.#take(claim, woken);
      if (!claimed.ok) return (waitMs > 0 || isAborted(signal)) && isAway(claimed.error) ? success([]) : claimed;
      const { deliveries, dueIn, again } = claimed.value;
      if (deliveries.length > 0) return success(await this.#fill(claim, claimed.value));
      if (again) continue;
      const left = deadline - performance.now();
      if (left <= 0) return success([]);
      const topics = [claim.queue, offerTopic(claim.token)];
      woken = await bells.wait(topics, seen, Math.min(left, dueIn ?? left), signal);
    }
    const refused = refusal();
    return refused === null ? success([]) : failure(refused);
  }

  /** Takes others in the places of what was buried: each time under a token of its own, so that an answer that was lost is told from the first. */
  async #fill(claim: Claim, first: Claimed): Promise<readonly Delivery[]> {
    const deliveries = [...first.deliveries];
    for (let last = first; last.hasBuried && deliveries.length < claim.max;) {
      const rest = {
        ...claim,
        max: claim.max - deliveries.length,
        token: newLeaseToken(),
        waiter: '',
        isEnlisted: false,
      };
      const claimed = await this.#claim(rest, false);
      // What was given already is not lost for a server that went away.
      if (!claimed.ok) break;
      deliveries.push(...claimed.value.deliveries);
      last = claimed.value;
    }
    return deliveries;
  }

  /** What was offered meanwhile, or else what can be claimed. */
  async #take(claim: Claim, woken: Woken): Promise<Result<Claimed>> {
    const [offer] = this.#options.offers.take(claim.token);
    if (offer === undefined) return this.#claim(claim, claim.isEnlisted && woken === 'unsure');
    claim.isEnlisted = false;
    const told: unknown[] = [];
    for (let first = 0; first < offer.entries.length; first += entryFields)
      told.push(...offer.entries.slice(first, first + entryFields), '1|1|0');
    // The lease began with the sender's step, which was so long after the last answer by the server's clock.
    claim.since = Math.min(performance.now(), claim.since + Math.max(0, offer.at - claim.toldAt));
    return this.#deliveriesOf(claim, told);
  }

  async #claim(claim: Claim, wasOffered: boolean): Promise<Result<Claimed>> {
    const { store, maxDeliveries } = this.#options;
    const { queue, max, leaseMs, token, waiter } = claim;
    claim.since = performance.now();
    const values = [queue, max, leaseMs, token, maxDeliveries, waiter];
    const answered = await store.runTold(
      claimScript,
      (isRepeated) => [...values, isRepeated || wasOffered ? 1 : 0],
      claim.options,
    );
    if (!answered.ok) return answered;
    const { word, rest } = answered.value;
    claim.toldAt = Number(rest[0]);
    if (word !== 'again') claim.isEnlisted = word === 'none' && waiter !== '';
    const wentBack = await this.#noticeClock(claim.toldAt);
    if (!wentBack.ok) return wentBack;
    if (word === 'claimed') return this.#deliveriesOf(claim, listAt(rest, 1));
    const dueIn = rest[1] === '' || rest[1] === undefined ? null : Number(rest[1]);
    return success({ deliveries: [], dueIn, again: word === 'again' || wentBack.value, hasBuried: false });
  }

  /** The server's clock set back by more than a second would prolong every lease by the jump. True where it was. */
  async #noticeClock(now: number): Promise<Result<boolean>> {
    const wentBack = now < this.#latest - clockToleranceMs;
    this.#latest = wentBack ? now : Math.max(now, this.#latest);
    if (!wentBack) return success(false);
    const lapsed: Result<Outcome> = await this.#options.store.run(lapseFutureScript, []);
    return lapsed.ok ? success(true) : lapsed;
  }

  /** What has spent its deliveries or cannot be read is buried under the lease that was just taken on it. */
  async #deliveriesOf(claim: Claim, reply: Reply): Promise<Result<Claimed>> {
    const deliveries: Delivery[] = [];
    for (let first = 0; first < reply.length; first += entryFields + 1) {
      const row = rowAt(reply, first);
      const [count, epoch, spent] = String(reply[first + entryFields])
        .split('|')
        .map(Number);
      const counted = { count: count ?? 0, epoch: epoch ?? 0 };
      const read = readEnvelope(row);
      const unfit = spent === 1 ? spentError(row, claim.queue, counted.count) : read.ok ? null : read.error;
      if (unfit === null && read.ok) deliveries.push(deliveryOf(claim, row, read.value, counted));
      else if (unfit !== null) {
        const buried = await this.#bury(
          claim,
          row,
          read,
          { ...counted, count: counted.count - (spent === 1 ? 0 : 1) },
          unfit,
        );
        if (!buried.ok) return buried;
      }
    }
    const hasBuried = deliveries.length * (entryFields + 1) < reply.length;
    return success({ deliveries, dueIn: null, again: true, hasBuried });
  }

  async #bury(
    { queue, token }: Claim,
    row: MessageRow,
    read: Result<Envelope>,
    counted: { readonly count: number; readonly epoch: number },
    error: AppError,
  ): Promise<Result<unknown>> {
    const envelopeType = read.ok ? read.value.envelope_type : 'unknown';
    const context = read.ok ? read.value.context : contextOfStream(row.stream);
    const buried = await this.#options.steps.bury(
      { id: row.id, envelopeType, context, queue, ...counted },
      token,
      error,
      [],
    );
    // Whoever was given it since will bury it.
    return buried.ok || buried.error.code === 'AC_BUS_STALE_LEASE' ? success(undefined) : buried;
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function isAway(error: AppError): boolean {
  return error.code === 'AC_BUS_AWAY' || error.code === 'AC_BUS_UNCERTAIN';
}

function spentError({ id }: MessageRow, queue: string, count: number): AppError {
  return busErrors.AC_BUS_DELIVERIES_SPENT({ id, count, queue });
}

function deliveryOf(
  { queue, token, since, leaseMs }: Claim,
  { stream, seq }: MessageRow,
  envelope: Envelope,
  counted: { readonly count: number; readonly epoch: number },
): Delivery {
  return { queue, stream, seq, envelope, ...counted, token, leaseUntil: holderDeadline(since, leaseMs) };
}
