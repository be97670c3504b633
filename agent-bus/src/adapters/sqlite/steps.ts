import { failure, success, type AppError, type Envelope, type Result } from '@agentcompany/protocol';
import type { Delivery, Expectation, Receipt, StreamEntry } from '../../bus.ts';
import { busErrors } from '../../errors.ts';
import type { PreparedCompletion, PreparedItem } from '../../outgoing.ts';
import { needsDurability } from './committer.ts';
import type { ClaimableRow, DeliveryRow, DeliveryTable } from './delivery-table.ts';
import type { Graveyard } from './graveyard.ts';
import { newLeaseToken } from '../../lease-holder.ts';
import type { Ledger } from './ledger.ts';
import { deliveryState } from './schema.ts';
import { contextOfStream, readEnvelope } from '../../stored-envelope.ts';

export interface StepOptions {
  readonly ledger: Ledger;
  readonly deliveries: DeliveryTable;
  readonly graveyard: Graveyard;
  readonly maxDeliveries: number;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** A holder stops a fifth before its lease ends (DESIGN §4). Milliseconds of `performance.now()`. */
function holderDeadline(leaseMs: number): number {
  return performance.now() + leaseMs * 0.8;
}

/** What each call of the bus does inside its open transaction. A failure that is returned undoes the call. */
export class Steps {
  readonly #ledger: Ledger;
  readonly #deliveries: DeliveryTable;
  readonly #graveyard: Graveyard;
  readonly #maxDeliveries: number;
  readonly #now: () => number;

  constructor(options: StepOptions) {
    this.#ledger = options.ledger;
    this.#deliveries = options.deliveries;
    this.#graveyard = options.graveyard;
    this.#maxDeliveries = options.maxDeliveries;
    this.#now = options.now;
  }

  /** A repeated send is answered with the first entries, wherever the stream has gone since. */
  send(items: readonly PreparedItem[], expect: Expectation | undefined): Result<Receipt> {
    const expected = this.#ledger.check(expect);
    if (!expected.ok && !this.#ledger.isRepetition(items)) return expected;
    const entries = this.#ledger.append(items, this.#now());
    return entries.ok ? success({ entries: entries.value }) : entries;
  }

  /**
   * Leases up to `max` deliveries. The count is written here, before anyone handles them. What has spent its deliveries or cannot be
   * read is buried instead, which only a durable step may do.
   */
  claim(
    queue: string,
    max: number,
    leaseMs: number,
    durable: boolean,
  ): Result<readonly Delivery[]> | typeof needsDurability {
    const number = this.#deliveries.queueNumber(queue);
    if (number === null) return success([]);
    const claimed: Delivery[] = [];
    while (claimed.length < max) {
      const rows = this.#deliveries.claimable(number, this.#now(), max - claimed.length);
      for (const row of rows) {
        const envelope = this.#fit(row, queue);
        if (envelope.ok) claimed.push(this.#lease(row, queue, envelope.value, leaseMs));
        else if (durable) this.#bury(row, queue, envelope.error);
        else return needsDurability;
      }
      if (rows.length === 0) break;
    }
    return success(claimed);
  }

  /** Ends the deliveries and appends what follows from them; the same step again gives the first receipt. */
  complete(completions: readonly PreparedCompletion[], expect: Expectation | undefined): Result<Receipt> {
    const rows: DeliveryRow[] = [];
    for (const { delivery } of completions) {
      const row = this.#held(delivery);
      if (!row.ok) return row;
      rows.push(row.value);
    }
    const ended = rows.filter(isEnded);
    if (rows.length > 0 && ended.length === rows.length) return success({ entries: this.#firstEntries(ended) });
    const stale = completions.find((_completion, index) => isEnded(rows[index]));
    if (stale !== undefined) return failure(staleLease(stale.delivery));
    const expected = this.#ledger.check(expect);
    if (!expected.ok) return expected;
    const entries = this.#ledger.append(
      completions.flatMap(({ items }) => items),
      this.#now(),
    );
    if (!entries.ok) return entries;
    for (const row of rows) this.#deliveries.end(row, 'done', row.token, receiptOf(entries.value));
    return success({ entries: entries.value });
  }

  reject(delivery: Delivery, reason: AppError, items: readonly PreparedItem[]): Result<Receipt> {
    const held = this.#held(delivery);
    if (!held.ok) return held;
    const row = held.value;
    if (isEnded(row)) return success({ entries: this.#firstEntries([row]) });
    const appended = this.#ledger.append(items, this.#now());
    if (!appended.ok) return appended;
    const { envelope, queue } = delivery;
    const buried = {
      id: envelope.id,
      envelopeType: envelope.envelope_type,
      context: envelope.context,
      queue,
      count: row.count,
      epoch: row.epoch,
    };
    const entries = [...appended.value, ...this.#graveyard.bury(row, buried, reason, this.#now())];
    this.#deliveries.end(row, 'buried', row.token, receiptOf(entries));
    return success({ entries });
  }

  extend(delivery: Delivery, leaseMs: number): Result<Delivery> {
    const row = this.#open(delivery);
    if (!row.ok) return row;
    this.#deliveries.extend(row.value, leaseMs, this.#now());
    return success({ ...delivery, leaseUntil: holderDeadline(leaseMs) });
  }

  release(delivery: Delivery, notBefore: number): Result<undefined> {
    const row = this.#open(delivery);
    if (!row.ok) return row;
    this.#deliveries.release(row.value, delivery.queue, notBefore, this.#now());
    return success(undefined);
  }

  /** The row of a delivery whose lease token is still the last one given, ended or not. A lapsed lease counts until the next one is given. */
  #held(delivery: Delivery): Result<DeliveryRow> {
    const row = this.#deliveries.find(delivery.queue, delivery.envelope.id);
    return row !== null && row.token === delivery.token ? success(row) : failure(staleLease(delivery));
  }

  #open(delivery: Delivery): Result<DeliveryRow> {
    const row = this.#held(delivery);
    return row.ok && isEnded(row.value) ? failure(staleLease(delivery)) : row;
  }

  #firstEntries(rows: readonly DeliveryRow[]): readonly StreamEntry[] {
    const positions = (rows[0]?.receipt ?? '').split(' ').filter((position) => position !== '');
    return positions.map((position) => this.#ledger.entry(Number(position))).filter((entry) => entry !== null);
  }

  #fit(row: ClaimableRow, queue: string): Result<Envelope> {
    if (row.count < this.#maxDeliveries) return readEnvelope(row);
    return failure(busErrors.AC_BUS_DELIVERIES_SPENT({ id: row.id, count: row.count, queue }));
  }

  #lease(row: ClaimableRow, queue: string, envelope: Envelope, leaseMs: number): Delivery {
    const token = newLeaseToken();
    this.#deliveries.lease(row, token, leaseMs, this.#now());
    const { stream, seq, count, epoch } = row;
    return {
      queue,
      stream,
      seq,
      envelope,
      count: count + 1,
      epoch: epoch + 1,
      token,
      leaseUntil: holderDeadline(leaseMs),
    };
  }

  #bury(row: ClaimableRow, queue: string, error: AppError): void {
    const read = readEnvelope(row);
    const buried = {
      id: row.id,
      envelopeType: read.ok ? read.value.envelope_type : 'unknown',
      context: read.ok ? read.value.context : contextOfStream(row.stream),
      queue,
      count: row.count,
      epoch: row.epoch,
    };
    this.#graveyard.bury(row, buried, error, this.#now());
    this.#deliveries.end(row, 'buried', null, null);
  }
}

function isEnded(row: DeliveryRow | undefined): boolean {
  return row?.state === deliveryState.done || row?.state === deliveryState.buried;
}

function staleLease(delivery: Delivery): AppError {
  return busErrors.AC_BUS_STALE_LEASE({ subject: `envelope ${delivery.envelope.id} of queue ${delivery.queue}` });
}

function receiptOf(entries: readonly StreamEntry[]): string {
  return entries.map((entry) => entry.position).join(' ');
}
