import { failure, success, type Result } from '@agentcompany/protocol';
import type Database from 'better-sqlite3';
import type { Expectation, StreamEntry } from '../../bus.ts';
import { busErrors } from '../../errors.ts';
import type { PreparedItem } from '../../outgoing.ts';
import type { DeliveryTable } from './delivery-table.ts';
import { entriesTopic, type Wakeups } from '../../wakeups.ts';
import { readEntry, type MessageRow } from '../../stored-envelope.ts';

interface KnownRow {
  readonly position: number;
  readonly stream: string;
  readonly seq: number;
  readonly digest: Buffer;
  readonly forgotten: number;
}

const messageColumns = 'm.id, m.position, s.name AS stream, m.seq, m.stored_at, m.envelope';

function prepareStatements(database: Database.Database) {
  return {
    known: database.prepare<[string, string], KnownRow>(
      `SELECT m.position, s.name AS stream, m.seq, m.digest, 0 AS forgotten
       FROM messages m JOIN streams s ON s.number = m.stream WHERE m.id = ?
       UNION ALL SELECT position, stream, seq, digest, 1 FROM forgotten WHERE id = ? LIMIT 1`,
    ),
    lastPosition: database
      .prepare<[], number>(
        `SELECT max(coalesce((SELECT max(position) FROM messages), 0),
                    coalesce((SELECT value FROM facts WHERE name = 'position_floor'), 0))`,
      )
      .pluck(),
    raiseFloor: database.prepare<[number]>(
      `INSERT INTO facts (name, value) VALUES ('position_floor', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    ),
    streamNumber: database.prepare<[string], number>('SELECT number FROM streams WHERE name = ?').pluck(),
    addStream: database.prepare<[string]>('INSERT INTO streams (name) VALUES (?)'),
    version: database.prepare<[number], number>('SELECT coalesce(max(seq), 0) FROM messages WHERE stream = ?').pluck(),
    add: database.prepare<[string, number, number, number, number, Buffer, string]>(
      'INSERT INTO messages (id, position, stream, seq, stored_at, digest, envelope) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    entry: database.prepare<[number], MessageRow>(
      `SELECT ${messageColumns} FROM messages m JOIN streams s ON s.number = m.stream WHERE m.position = ?`,
    ),
    stream: database.prepare<[number, number, number], MessageRow>(
      `SELECT ${messageColumns} FROM messages m JOIN streams s ON s.number = m.stream WHERE m.stream = ? AND m.seq > ? ORDER BY m.seq LIMIT ?`,
    ),
    after: database.prepare<[number, number], MessageRow>(
      `SELECT ${messageColumns} FROM messages m JOIN streams s ON s.number = m.stream WHERE m.position > ? ORDER BY m.position LIMIT ?`,
    ),
    streams: database.prepare<[], string>('SELECT name FROM streams ORDER BY number').pluck(),
  };
}

/** The streams: every envelope once, in order. Methods that write are called inside an open transaction. */
export class Ledger {
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #deliveries: DeliveryTable;

  readonly #wakeups: Wakeups;

  constructor(database: Database.Database, deliveries: DeliveryTable, wakeups: Wakeups) {
    this.#statements = prepareStatements(database);
    this.#deliveries = deliveries;
    this.#wakeups = wakeups;
  }

  lastPosition(): number {
    return this.#statements.lastPosition.get() ?? 0;
  }

  /** A place in a queue behind all that were taken so far. No entry will have its position, or two of them would have one place. */
  takePlace(): number {
    const place = this.lastPosition() + 1;
    this.#statements.raiseFloor.run(place);
    return place;
  }

  version(stream: string): number {
    const number = this.#statements.streamNumber.get(stream);
    return number === undefined ? 0 : (this.#statements.version.get(number) ?? 0);
  }

  /** Error: `AC_BUS_CONFLICT` unless the stream is where the decision was made. */
  check(expect: Expectation | undefined): Result<undefined> {
    if (expect === undefined) return success(undefined);
    const actual = this.version(expect.stream);
    if (actual === expect.version) return success(undefined);
    return failure(busErrors.AC_BUS_CONFLICT({ stream: expect.stream, expected: expect.version, actual }));
  }

  /** True where every item is known with the same content: nothing is left to decide. */
  isRepetition(items: readonly PreparedItem[]): boolean {
    return items.length > 0 && items.every((item) => this.#known(item)?.digest.equals(item.digest) ?? false);
  }

  /** Appends the items and puts them into their queues; `now` in unix milliseconds. Error: `AC_BUS_ID_CONFLICT`. */
  append(items: readonly PreparedItem[], now: number): Result<readonly StreamEntry[]> {
    const entries = new Map<number, StreamEntry>();
    for (const item of items) {
      const entry = this.#appendOne(item, now);
      if (!entry.ok) return entry;
      entries.set(entry.value.position, entry.value);
    }
    return success([...entries.values()]);
  }

  entry(position: number): StreamEntry | null {
    const row = this.#statements.entry.get(position);
    return row === undefined ? null : readEntry(row);
  }

  readStream(stream: string, after: number, limit: number): readonly StreamEntry[] {
    const number = this.#statements.streamNumber.get(stream);
    return number === undefined ? [] : this.#statements.stream.all(number, after, limit).map(readEntry);
  }

  readAfter(position: number, limit: number): readonly StreamEntry[] {
    return this.#statements.after.all(position, limit).map(readEntry);
  }

  streams(): readonly string[] {
    return this.#statements.streams.all();
  }

  #known(item: PreparedItem): KnownRow | undefined {
    return this.#statements.known.get(item.envelope.id, item.envelope.id);
  }

  #appendOne(item: PreparedItem, now: number): Result<StreamEntry> {
    const known = this.#known(item);
    if (known !== undefined && !known.digest.equals(item.digest)) {
      return failure(busErrors.AC_BUS_ID_CONFLICT({ id: item.envelope.id }));
    }
    const entry =
      known === undefined ? this.#add(item, now) : { stream: known.stream, seq: known.seq, position: known.position };
    if (item.queue !== null && known?.forgotten !== 1) {
      const place = known === undefined ? entry.position : this.takePlace();
      this.#deliveries.add({ queue: item.queue, position: entry.position, place, notBefore: item.notBefore, now });
    }
    return success({ ...entry, envelope: item.envelope });
  }

  #add(item: PreparedItem, now: number): Omit<StreamEntry, 'envelope'> {
    const position = this.lastPosition() + 1;
    const number =
      this.#statements.streamNumber.get(item.stream) ??
      Number(this.#statements.addStream.run(item.stream).lastInsertRowid);
    const seq = (this.#statements.version.get(number) ?? 0) + 1;
    this.#statements.add.run(item.envelope.id, position, number, seq, now, item.digest, item.json);
    this.#wakeups.mark(entriesTopic);
    return { stream: item.stream, seq, position };
  }
}
