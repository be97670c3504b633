import type Database from 'better-sqlite3';
import { clockToleranceMs } from '../../lease-clock.ts';
import type { DeliveryStatus, QueueStatistics } from '../../bus.ts';
import { isHolderGone } from '../../lease-holder.ts';
import { deliveryState } from './schema.ts';
import type { MessageRow } from '../../stored-envelope.ts';
import type { Wakeups } from '../../wakeups.ts';

export interface DeliveryRow {
  readonly queue: number;
  readonly position: number;
  readonly state: number;
  readonly count: number;
  readonly epoch: number;
  readonly token: string | null;
  readonly receipt: string | null;
}

interface StatusRow {
  readonly queue: string;
  readonly state: number;
  readonly due: number;
  readonly count: number;
}

const stateNames: Readonly<Record<number, DeliveryStatus['state']>> = {
  [deliveryState.ready]: 'waiting',
  [deliveryState.delayed]: 'delayed',
  [deliveryState.leased]: 'leased',
  [deliveryState.done]: 'done',
  [deliveryState.buried]: 'buried',
};

/** A delivery that can be claimed, with its message. */
export type ClaimableRow = MessageRow & Pick<DeliveryRow, 'queue' | 'count' | 'epoch'>;

/** The claim's own query: its plan is tested to stand on the partial index. */
export const claimQuery = `
  SELECT d.queue, d.count, d.epoch, m.id, m.position, s.name AS stream, m.seq, m.stored_at, m.checksum, m.envelope
  FROM deliveries d INDEXED BY deliveries_ready JOIN messages m ON m.position = d.position JOIN streams s ON s.number = m.stream
  WHERE d.queue = ? AND d.state = 0 ORDER BY d.place, d.position LIMIT ?`;
export const dueQuery =
  'UPDATE deliveries INDEXED BY deliveries_timed SET state = 0, due = 0 WHERE queue = ? AND state IN (1, 2) AND due <= ?';
/** 0 where something is ready, else when the first timed one is due; null where nothing waits. One statement: each has a read lock to take. */
export const nextDueQuery = `
  SELECT CASE WHEN EXISTS (SELECT 1 FROM deliveries d INDEXED BY deliveries_ready WHERE d.queue = q.number AND d.state = 0) THEN 0
    ELSE (SELECT min(t.due) FROM deliveries t INDEXED BY deliveries_timed WHERE t.queue = q.number AND t.state IN (1, 2)) END
  FROM queues q WHERE q.name = ?`;

function prepareStatements(database: Database.Database) {
  return {
    queueNumber: database.prepare<[string], number>('SELECT number FROM queues WHERE name = ?').pluck(),
    addQueue: database.prepare<[string]>('INSERT INTO queues (name) VALUES (?)'),
    add: database.prepare<[number, number, number, number, number]>(
      'INSERT INTO deliveries (queue, position, place, state, due) VALUES (?, ?, ?, ?, ?)',
    ),
    has: database.prepare<[string, number], number>(
      'SELECT 1 FROM queues q JOIN deliveries d ON d.queue = q.number WHERE q.name = ? AND d.position = ?',
    ),
    makeDue: database.prepare<[number, number]>(dueQuery),
    nextDue: database.prepare<[string], number | null>(nextDueQuery).pluck(),
    claimable: database.prepare<[number, number], ClaimableRow>(claimQuery),
    lease: database.prepare<[number, number, number, number, string, number, number]>(
      'UPDATE deliveries SET state = 2, due = ?, lease_ms = ?, count = ?, epoch = ?, token = ? WHERE queue = ? AND position = ?',
    ),
    find: database.prepare<[string, string], DeliveryRow>(
      `SELECT d.queue, d.position, d.state, d.count, d.epoch, d.token, d.receipt FROM messages m JOIN queues q ON q.name = ?
       JOIN deliveries d ON d.queue = q.number AND d.position = m.position WHERE m.id = ?`,
    ),
    extend: database.prepare<[number, number, number, number]>(
      'UPDATE deliveries SET state = 2, due = ?, lease_ms = ? WHERE queue = ? AND position = ?',
    ),
    release: database.prepare<[number, number, number, number]>(
      'UPDATE deliveries SET state = ?, due = ?, count = count - 1, token = NULL WHERE queue = ? AND position = ?',
    ),
    end: database.prepare<[number, string | null, string | null, number, number]>(
      'UPDATE deliveries SET state = ?, due = 0, token = ?, receipt = ? WHERE queue = ? AND position = ?',
    ),
    requeue: database.prepare<[number, number, number]>(
      'UPDATE deliveries SET state = 0, due = 0, count = 0, token = NULL, receipt = NULL, place = ? WHERE queue = ? AND position = ?',
    ),
    held: database.prepare<[], { queue: number; position: number; token: string }>(
      `SELECT d.queue, d.position, d.token FROM queues q JOIN deliveries d INDEXED BY deliveries_timed ON d.queue = q.number
       WHERE d.state IN (1, 2) AND d.token IS NOT NULL`,
    ),
    expire: database.prepare<[number, number]>(
      'UPDATE deliveries SET due = 0 WHERE state = 2 AND queue = ? AND position = ?',
    ),
    expireAll: database.prepare('UPDATE deliveries SET due = 0 WHERE state = 2'),
    expireFuture: database.prepare<[number]>('UPDATE deliveries SET due = 0 WHERE state = 2 AND due - lease_ms > ?'),
    statusOf: database.prepare<[string], StatusRow>(
      `SELECT q.name AS queue, d.state, d.due, d.count FROM messages m CROSS JOIN queues q
       JOIN deliveries d ON d.queue = q.number AND d.position = m.position WHERE m.id = ? ORDER BY q.name`,
    ),
    statistics: database.prepare<[{ readonly now: number }], QueueStatistics>(
      `SELECT q.name AS queue,
         (SELECT count(*) FROM deliveries d WHERE d.queue = q.number AND d.state = 0)
           + (SELECT count(*) FROM deliveries d WHERE d.queue = q.number AND d.state IN (1, 2) AND d.due <= @now) AS waiting,
         (SELECT count(*) FROM deliveries d WHERE d.queue = q.number AND d.state IN (1, 2) AND d.due > @now AND d.state = 1) AS delayed,
         (SELECT count(*) FROM deliveries d WHERE d.queue = q.number AND d.state IN (1, 2) AND d.due > @now AND d.state = 2) AS leased
       FROM queues q ORDER BY q.name`,
    ),
  };
}

export interface NewDelivery {
  readonly queue: string;
  readonly position: number;
  readonly place: number;
  readonly notBefore: number;
  readonly now: number;
}

/** The queues: one narrow row per (envelope, queue). All times are unix milliseconds. Methods that write are called inside an open transaction. */
export class DeliveryTable {
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #wakeups: Wakeups;
  /** Numbers of the queues that this step has put something into. */
  readonly #numbers = new Map<string, number>();

  constructor(database: Database.Database, wakeups: Wakeups) {
    this.#statements = prepareStatements(database);
    this.#wakeups = wakeups;
  }

  /** A step begins, or a call in it was undone: what was read before no longer holds. */
  rewind(): void {
    this.#numbers.clear();
  }

  queueNumber(name: string): number | null {
    return this.#statements.queueNumber.get(name) ?? null;
  }

  /** Whether (envelope, queue) has a delivery, in whatever state. */
  has(queue: string, position: number): boolean {
    return this.#statements.has.get(queue, position) !== undefined;
  }

  /** Adds a delivery that (envelope, queue) does not have yet. */
  add(delivery: NewDelivery): void {
    const { queue, position, place, notBefore, now } = delivery;
    const number = this.#numbers.get(queue) ?? this.#takeNumber(queue);
    const state = notBefore > now ? deliveryState.delayed : deliveryState.ready;
    this.#statements.add.run(number, position, place, state, state === deliveryState.delayed ? notBefore : 0);
    this.#wakeups.mark(queue);
  }

  #takeNumber(queue: string): number {
    const number = this.queueNumber(queue) ?? Number(this.#statements.addQueue.run(queue).lastInsertRowid);
    this.#numbers.set(queue, number);
    return number;
  }

  /** Milliseconds until something of the queue can be claimed: 0 for at once, null where nothing waits. Reads only. */
  untilDue(queue: string, now: number): number | null {
    const due = this.#statements.nextDue.get(queue) ?? null;
    return due === null ? null : Math.max(0, due - now);
  }

  /** The first deliveries in the order of their place, lapsed leases and due timers among them. */
  claimable(queue: number, now: number, limit: number): readonly ClaimableRow[] {
    this.#statements.makeDue.run(queue, now);
    return this.#statements.claimable.all(queue, limit);
  }

  lease(row: ClaimableRow, token: string, leaseMs: number, now: number): void {
    const { queue, position, count, epoch } = row;
    this.#statements.lease.run(
      Math.ceil(now + leaseMs),
      Math.ceil(leaseMs),
      count + 1,
      epoch + 1,
      token,
      queue,
      position,
    );
  }

  find(queue: string, id: string): DeliveryRow | null {
    return this.#statements.find.get(queue, id) ?? null;
  }

  extend(row: DeliveryRow, leaseMs: number, now: number): void {
    this.#statements.extend.run(Math.ceil(now + leaseMs), Math.ceil(leaseMs), row.queue, row.position);
  }

  release(row: DeliveryRow, queue: string, notBefore: number, now: number): void {
    const state = notBefore > now ? deliveryState.delayed : deliveryState.ready;
    this.#statements.release.run(
      state,
      state === deliveryState.delayed ? Math.ceil(notBefore) : 0,
      row.queue,
      row.position,
    );
    this.#wakeups.mark(queue);
  }

  /** Ends the delivery; `token` and `receipt` stay for whoever repeats the step. */
  end(
    row: Pick<DeliveryRow, 'queue' | 'position'>,
    state: 'done' | 'buried',
    token: string | null,
    receipt: string | null,
  ): void {
    this.#statements.end.run(deliveryState[state], token, receipt, row.queue, row.position);
  }

  requeue(row: Pick<DeliveryRow, 'queue' | 'position'>, queue: string, place: number): void {
    this.#statements.requeue.run(place, row.queue, row.position);
    this.#wakeups.mark(queue);
  }

  /** Ends the leases of processes that are gone: nobody need wait until they lapse. */
  expireGone(): void {
    for (const { queue, position, token } of this.#statements.held.all()) {
      if (isHolderGone(token)) this.#statements.expire.run(queue, position);
    }
  }

  /** The machine has started anew: no lease has a holder. */
  expireAll(): void {
    this.#statements.expireAll.run();
  }

  /** The clock went back: leases taken before count as lapsed (`beginsInFuture`). */
  expireFuture(now: number): undefined {
    this.#statements.expireFuture.run(now + clockToleranceMs);
  }

  /** The deliveries of one envelope in the order of their queues' names; what is due waits. */
  statusOf(id: string, now: number): readonly DeliveryStatus[] {
    return this.#statements.statusOf.all(id).map(({ queue, state, due, count }) => {
      const timed = state === deliveryState.delayed || state === deliveryState.leased;
      const name = timed && due <= now ? 'waiting' : (stateNames[state] ?? 'buried');
      return { envelopeId: id, queue, state: name, count };
    });
  }

  statistics(now: number): readonly QueueStatistics[] {
    return this.#statements.statistics.all({ now });
  }
}
