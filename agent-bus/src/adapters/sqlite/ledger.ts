import { crc32 } from 'node:zlib';
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
}

/** A stream's number and its last `seq`. */
interface Tip {
  readonly number: number;
  version: number;
}

/** The last position given, if only as a place in a queue or to what was dropped since. */
export const lastPositionQuery = `
  SELECT max(coalesce((SELECT max(position) FROM messages), 0),
             coalesce((SELECT value FROM facts WHERE name = 'position_floor'), 0))`;
const messageColumns = 'm.id, m.position, s.name AS stream, m.seq, m.stored_at, m.checksum, m.envelope';

function prepareStatements(database: Database.Database) {
  return {
    known: database.prepare<[string], KnownRow>(
      `SELECT m.position, s.name AS stream, m.seq, m.digest FROM messages m JOIN streams s ON s.number = m.stream WHERE m.id = ?`,
    ),
    forgotten: database.prepare<[string], KnownRow>('SELECT position, stream, seq, digest FROM forgotten WHERE id = ?'),
    lastPosition: database.prepare<[], number>(lastPositionQuery).pluck(),
    raiseFloor: database.prepare<[number]>(
      `INSERT INTO facts (name, value) VALUES ('position_floor', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    ),
    tip: database.prepare<[string], Tip>(
      'SELECT number, (SELECT coalesce(max(seq), 0) FROM messages WHERE stream = number) AS version FROM streams WHERE name = ?',
    ),
    streamNumber: database.prepare<[string], number>('SELECT number FROM streams WHERE name = ?').pluck(),
    addStream: database.prepare<[string]>('INSERT INTO streams (name) VALUES (?)'),
    add: database.prepare<[string, number, number, number, number, Buffer, number, string]>(
      'INSERT INTO messages (id, position, stream, seq, stored_at, digest, checksum, envelope) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
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
  /** What this step knows of the last position and of the streams it appends to; null and nothing at its beginning. */
  #position: number | null = null;
  readonly #tips = new Map<string, Tip>();

  constructor(database: Database.Database, deliveries: DeliveryTable, wakeups: Wakeups) {
    this.#statements = prepareStatements(database);
    this.#deliveries = deliveries;
    this.#wakeups = wakeups;
  }

  /** A step begins, or a call in it was undone: what was read before no longer holds. */
  rewind(): void {
    this.#position = null;
    this.#tips.clear();
  }

  lastPosition(): number {
    return this.#statements.lastPosition.get() ?? 0;
  }

  /** A place in a queue behind all that were taken so far. No entry will have its position, or two of them would have one place. */
  takePlace(): number {
    const place = this.#nextPosition();
    this.#statements.raiseFloor.run(place);
    this.#position = place;
    return place;
  }

  version(stream: string): number {
    return this.#statements.tip.get(stream)?.version ?? 0;
  }

  /** Error: `AC_BUS_CONFLICT` unless the stream is where the decision was made. */
  check(expect: Expectation | undefined): Result<undefined> {
    if (expect === undefined) return success(undefined);
    const actual = this.#tip(expect.stream)?.version ?? 0;
    if (actual === expect.version) return success(undefined);
    return failure(busErrors.AC_BUS_CONFLICT({ stream: expect.stream, expected: expect.version, actual }));
  }

  /** True where every item is known with the same content: nothing is left to decide. */
  isRepetition(items: readonly PreparedItem[]): boolean {
    return (
      items.length > 0 &&
      items.every(({ envelope, digest }) => this.#known(envelope.id)?.digest.equals(digest) ?? false)
    );
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

  #known(id: string): KnownRow | undefined {
    return this.#statements.known.get(id) ?? this.#statements.forgotten.get(id);
  }

  #appendOne(item: PreparedItem, now: number): Result<StreamEntry> {
    const { envelope, digest, queue, notBefore } = item;
    const forgotten = this.#statements.forgotten.get(envelope.id);
    const added = forgotten === undefined ? this.#add(item, now) : null;
    const known = added === null ? (forgotten ?? this.#statements.known.get(envelope.id)) : undefined;
    if (known !== undefined && !known.digest.equals(digest)) {
      return failure(busErrors.AC_BUS_ID_CONFLICT({ id: envelope.id }));
    }
    const entry = added ?? known;
    if (entry === undefined) throw new Error(`envelope ${envelope.id} is neither new nor known`);
    const { stream, seq, position } = entry;
    const waits = queue !== null && forgotten === undefined;
    if (waits && (added !== null || !this.#deliveries.has(queue, position))) {
      const place = added === null ? this.takePlace() : position;
      this.#deliveries.add({ queue, position, place, notBefore, now });
    }
    return success({ stream, seq, position, envelope });
  }

  /** Null where the id is known already. */
  #add({ envelope, digest, json, stream }: PreparedItem, now: number): Omit<StreamEntry, 'envelope'> | null {
    const position = this.#nextPosition();
    const tip = this.#tip(stream) ?? this.#addStream(stream);
    const seq = tip.version + 1;
    const { changes } = this.#statements.add.run(
      envelope.id,
      position,
      tip.number,
      seq,
      now,
      digest,
      crc32(json),
      json,
    );
    if (changes === 0) return null;
    this.#position = position;
    tip.version = seq;
    this.#wakeups.mark(entriesTopic);
    return { stream, seq, position };
  }

  #nextPosition(): number {
    return (this.#position ??= this.lastPosition()) + 1;
  }

  #tip(stream: string): Tip | null {
    const tip = this.#tips.get(stream) ?? this.#statements.tip.get(stream);
    if (tip === undefined) return null;
    this.#tips.set(stream, tip);
    return tip;
  }

  #addStream(stream: string): Tip {
    const tip = { number: Number(this.#statements.addStream.run(stream).lastInsertRowid), version: 0 };
    this.#tips.set(stream, tip);
    return tip;
  }
}
