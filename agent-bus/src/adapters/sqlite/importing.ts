import { setTimeout } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { failure, success, type BusRecord, type Result } from '@agentcompany/protocol';
import Database from 'better-sqlite3';
import { RecordChecker } from '../../check-records.ts';
import { busErrors } from '../../errors.ts';
import { prepareItems } from '../../outgoing.ts';
import { configure } from './database.ts';
import { deliveryState } from './schema.ts';
import { isBusy, storageError } from './storage-error.ts';

type RecordOf<Kind extends BusRecord['kind']> = Extract<BusRecord, { readonly kind: Kind }>;

const states = {
  waiting: deliveryState.ready,
  delayed: deliveryState.delayed,
  done: deliveryState.done,
  buried: deliveryState.buried,
} as const;

function prepareStatements(database: Database.Database) {
  return {
    known: database
      .prepare<[], number>(
        `SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM forgotten)
           + (SELECT count(*) FROM facts WHERE name = 'position_floor' AND value > 0)`,
      )
      .pluck(),
    addStream: database.prepare<[string]>('INSERT INTO streams (name) VALUES (?)'),
    addQueue: database.prepare<[string]>('INSERT INTO queues (name) VALUES (?)'),
    position: database.prepare<[string], number>('SELECT position FROM messages WHERE id = ?').pluck(),
    addMessage: database.prepare<[string, number, number, number, number, Buffer, number, string]>(
      'INSERT INTO messages (id, position, stream, seq, stored_at, digest, checksum, envelope) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    addDelivery: database.prepare<[number, number, number, number, number, number, number]>(
      'INSERT INTO deliveries (queue, position, place, state, due, count, epoch) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    addDeadLetter: database.prepare<[string, number, number, number, string, number]>(
      'INSERT INTO dead_letters (id, queue, position, count, error, buried_at) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    addForgotten: database.prepare<[string, number, string, number, Buffer, number]>(
      'INSERT INTO forgotten (id, position, stream, seq, digest, until) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    addLease: database.prepare<[string, number]>(
      `INSERT INTO leases (name, holder, token, epoch, due, lease_ms) VALUES (?, '', NULL, ?, 0, 0)
       ON CONFLICT (name) DO UPDATE SET epoch = max(epoch, excluded.epoch)`,
    ),
    setFloor: database.prepare<[number]>(`INSERT OR REPLACE INTO facts (name, value) VALUES ('position_floor', ?)`),
  };
}

/** Stores checked records inside an open transaction. */
class RecordWriter {
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #streams = new Map<string, number>();
  readonly #queues = new Map<string, number>();

  constructor(database: Database.Database) {
    this.#statements = prepareStatements(database);
  }

  /** How much the bus holds already, if only in what it remembers. */
  known(): number {
    return this.#statements.known.get() ?? 0;
  }

  /** Error: that of an envelope that cannot be sent either. */
  write(record: BusRecord): Result<undefined> {
    const { setFloor, addDeadLetter, addForgotten, addLease } = this.#statements;
    switch (record.kind) {
      case 'bus':
        setFloor.run(record.last_position);
        break;
      case 'entry':
        return this.#entry(record);
      case 'delivery':
        this.#delivery(record);
        break;
      case 'dead_letter': {
        const [queue, position] = [this.#queue(record.queue), this.#position(record.envelope_id)];
        addDeadLetter.run(record.id, queue, position, record.count, JSON.stringify(record.error), record.buried_at);
        break;
      }
      case 'forgotten': {
        const digest = Buffer.from(record.digest, 'hex');
        addForgotten.run(record.id, record.position, record.stream, record.seq, digest, record.until);
        break;
      }
      case 'lease':
        addLease.run(record.name, record.epoch);
        break;
      case 'end':
    }
    return success();
  }

  #entry({ stream, seq, position, stored_at, envelope }: RecordOf<'entry'>): Result<undefined> {
    const prepared = prepareItems([{ envelope, queue: null }]);
    if (!prepared.ok) return prepared;
    const number = numberOf(this.#streams, stream, this.#statements.addStream);
    for (const { digest, json } of prepared.value)
      this.#statements.addMessage.run(envelope.id, position, number, seq, stored_at, digest, crc32(json), json);
    return success();
  }

  #delivery({ queue, envelope_id, state, place, not_before, count, epoch }: RecordOf<'delivery'>): void {
    const position = this.#position(envelope_id);
    this.#statements.addDelivery.run(this.#queue(queue), position, place, states[state], not_before, count, epoch);
  }

  #queue(name: string): number {
    return numberOf(this.#queues, name, this.#statements.addQueue);
  }

  #position(id: string): number {
    return this.#statements.position.get(id) ?? 0;
  }
}

function numberOf(numbers: Map<string, number>, name: string, add: Database.Statement<[string]>): number {
  const known = numbers.get(name);
  if (known !== undefined) return known;
  const number = Number(add.run(name).lastInsertRowid);
  numbers.set(name, number);
  return number;
}

/** The write lock, waited for without blocking the process. Error: `AC_BUS_BUSY`. */
async function beginWaiting(database: Database.Database, milliseconds: number): Promise<Result<undefined>> {
  const end = performance.now() + milliseconds;
  for (;;) {
    try {
      database.exec('BEGIN IMMEDIATE');
      return success();
    } catch (thrown) {
      if (!isBusy(thrown)) throw thrown;
      if (performance.now() > end) return failure(busErrors.AC_BUS_BUSY({ file: database.name, milliseconds }));
    }
    await setTimeout(10);
  }
}

async function writeAll(
  database: Database.Database,
  records: AsyncIterable<BusRecord>,
): Promise<Result<{ readonly entries: number }>> {
  const writer = new RecordWriter(database);
  const known = writer.known();
  if (known > 0) return failure(busErrors.AC_BUS_NOT_EMPTY({ place: database.name, entries: known }));
  const checker = new RecordChecker();
  for await (const record of records) {
    const checked = checker.check(record);
    if (!checked.ok) return checked;
    const written = writer.write(checked.value);
    if (!written.ok) return checker.invalid(written.error.message);
  }
  return checker.finish();
}

/**
 * Fills an empty bus in one transaction on a connection of its own: until it is committed nobody sees any of it, and writers wait.
 * `busyLimit`: how long to wait for the lock, in milliseconds. Errors: as `importRecords` of the port.
 */
export async function importDatabase(
  file: string,
  records: AsyncIterable<BusRecord>,
  busyLimit: number,
): Promise<Result<{ readonly entries: number }>> {
  let database: Database.Database | null = null;
  try {
    database = new Database(file, { fileMustExist: true });
    configure(database);
    database.pragma('busy_timeout = 0');
    const begun = await beginWaiting(database, busyLimit);
    if (!begun.ok) return begun;
    const imported = await writeAll(database, records);
    if (imported.ok) database.exec('COMMIT');
    return imported;
  } catch (thrown) {
    const error = storageError(thrown, file);
    if (error === null) throw thrown;
    return failure(error);
  } finally {
    // Closing undoes what was not committed.
    database?.close();
  }
}
