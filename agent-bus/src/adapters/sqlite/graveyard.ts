import { failure, success, unwrap, type AppError, type Result } from '@agentcompany/protocol';
import type Database from 'better-sqlite3';
import type { DeadLetter, StreamEntry } from '../../bus.ts';
import { clipError, deadLetterNotice, engineQueue, type BuriedDelivery } from '../../dead-letter-notice.ts';
import { busErrors } from '../../errors.ts';
import { prepareItems } from '../../outgoing.ts';
import type { DeliveryTable } from './delivery-table.ts';
import type { Ledger } from './ledger.ts';
import { readEntry, type MessageRow } from '../../stored-envelope.ts';

type GraveRow = MessageRow & {
  readonly grave: string;
  readonly queue: string;
  readonly count: number;
  readonly error: string;
  readonly buried_at: number;
};

function prepareStatements(database: Database.Database) {
  return {
    add: database.prepare<[string, number, number, number, string, number]>(
      'INSERT INTO dead_letters (id, queue, position, count, error, buried_at) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    find: database.prepare<[string], { queue: number; name: string; position: number }>(
      'SELECT l.queue, q.name, l.position FROM dead_letters l JOIN queues q ON q.number = l.queue WHERE l.id = ?',
    ),
    remove: database.prepare<[string]>('DELETE FROM dead_letters WHERE id = ?'),
    list: database.prepare<[], GraveRow>(
      `SELECT l.id AS grave, q.name AS queue, l.count, l.error, l.buried_at,
         m.id, m.position, s.name AS stream, m.seq, m.stored_at, m.checksum, m.envelope
       FROM dead_letters l JOIN queues q ON q.number = l.queue JOIN messages m ON m.position = l.position
       JOIN streams s ON s.number = m.stream ORDER BY l.buried_at, l.position`,
    ),
  };
}

/** The dead letters. Methods that write are called inside an open transaction. */
export class Graveyard {
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #ledger: Ledger;
  readonly #deliveries: DeliveryTable;

  constructor(database: Database.Database, ledger: Ledger, deliveries: DeliveryTable) {
    this.#statements = prepareStatements(database);
    this.#ledger = ledger;
    this.#deliveries = deliveries;
  }

  /**
   * Buries a delivery: its notice goes to the stream and to queue `engine`. The notice of a notice goes to the stream only, else two of
   * them would chase each other for ever. The caller ends the delivery. `now`: unix milliseconds.
   */
  bury(
    row: { readonly queue: number; readonly position: number },
    buried: BuriedDelivery,
    reason: AppError,
    now: number,
  ): readonly StreamEntry[] {
    const error = clipError(reason);
    const notice = deadLetterNotice(buried, error, now);
    const queue = buried.envelopeType === 'dead_letter' ? null : engineQueue;
    const items = unwrap(prepareItems([{ envelope: notice, queue }]));
    const entries = unwrap(this.#ledger.append(items, now));
    this.#statements.add.run(notice.id, row.queue, row.position, buried.count, JSON.stringify(error), now);
    return entries;
  }

  /** Error: `AC_BUS_UNKNOWN_DEAD_LETTER`. */
  requeue(id: string): Result<undefined> {
    const row = this.#statements.find.get(id);
    if (row === undefined) return failure(busErrors.AC_BUS_UNKNOWN_DEAD_LETTER({ id }));
    this.#deliveries.requeue(row, row.name, this.#ledger.takePlace());
    this.#statements.remove.run(id);
    return success(undefined);
  }

  /** Error: `AC_BUS_UNKNOWN_DEAD_LETTER`. */
  purge(id: string): Result<undefined> {
    const { changes } = this.#statements.remove.run(id);
    return changes > 0 ? success(undefined) : failure(busErrors.AC_BUS_UNKNOWN_DEAD_LETTER({ id }));
  }

  list(): readonly DeadLetter[] {
    return this.#statements.list.all().map((row) => ({
      id: row.grave,
      queue: row.queue,
      envelope: readEntry(row).envelope,
      count: row.count,
      error: JSON.parse(row.error) as AppError,
      buriedAt: new Date(row.buried_at).toISOString(),
    }));
  }
}
