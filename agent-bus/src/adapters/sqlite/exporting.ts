import { setImmediate } from 'node:timers/promises';
import { failure, success, type AppError, type BusRecord, type Result } from '@agentcompany/protocol';
import Database from 'better-sqlite3';
import { deliveryState } from './schema.ts';
import { storageError } from './storage-error.ts';
import { readEntry, type MessageRow } from '../../stored-envelope.ts';

/** After so many records the other work of the process has its turn. */
const batch = 256;

interface DeliveryRow {
  readonly queue: string;
  readonly envelope_id: string;
  readonly state: number;
  readonly place: number;
  readonly due: number;
  readonly count: number;
  readonly epoch: number;
}

interface DeadLetterRow {
  readonly id: string;
  readonly queue: string;
  readonly envelope_id: string;
  readonly count: number;
  readonly error: string;
  readonly buried_at: number;
}

interface ForgottenRow {
  readonly id: string;
  readonly stream: string;
  readonly seq: number;
  readonly position: number;
  readonly digest: Buffer;
  readonly until: number;
}

/** A lease is not exported: what was leased waits. */
const states: Readonly<Record<number, 'waiting' | 'delayed' | 'done' | 'buried'>> = {
  [deliveryState.ready]: 'waiting',
  [deliveryState.leased]: 'waiting',
  [deliveryState.delayed]: 'delayed',
  [deliveryState.done]: 'done',
  [deliveryState.buried]: 'buried',
};

function* entries(database: Database.Database): Generator<BusRecord> {
  const rows = database.prepare<[], MessageRow>(
    `SELECT m.id, m.position, s.name AS stream, m.seq, m.stored_at, m.checksum, m.envelope
     FROM messages m JOIN streams s ON s.number = m.stream ORDER BY m.position`,
  );
  for (const row of rows.iterate()) {
    const { stream, seq, position, envelope } = readEntry(row);
    yield { kind: 'entry', stream, seq, position, stored_at: row.stored_at, envelope };
  }
}

function* deliveries(database: Database.Database): Generator<BusRecord> {
  const rows = database.prepare<[], DeliveryRow>(
    `SELECT q.name AS queue, m.id AS envelope_id, d.state, d.place, d.due, d.count, d.epoch
     FROM queues q CROSS JOIN deliveries d ON d.queue = q.number CROSS JOIN messages m ON m.position = d.position
     ORDER BY q.number, d.position`,
  );
  for (const { state, due, ...row } of rows.iterate()) {
    const name = states[state] ?? 'buried';
    yield { kind: 'delivery', ...row, state: name, not_before: name === 'delayed' ? due : 0 };
  }
}

function* rest(database: Database.Database): Generator<BusRecord> {
  const graves = database.prepare<[], DeadLetterRow>(
    `SELECT l.id, q.name AS queue, m.id AS envelope_id, l.count, l.error, l.buried_at
     FROM dead_letters l JOIN queues q ON q.number = l.queue JOIN messages m ON m.position = l.position ORDER BY l.rowid`,
  );
  for (const row of graves.iterate()) yield { kind: 'dead_letter', ...row, error: JSON.parse(row.error) as AppError };
  const forgotten = database.prepare<[], ForgottenRow>(
    'SELECT id, stream, seq, position, digest, until FROM forgotten ORDER BY position',
  );
  for (const row of forgotten.iterate()) yield { kind: 'forgotten', ...row, digest: row.digest.toString('hex') };
  const leases = database.prepare<[], { name: string; epoch: number }>('SELECT name, epoch FROM leases ORDER BY name');
  for (const row of leases.iterate()) yield { kind: 'lease', ...row };
}

/** What the file holds in this connection's read transaction. `lastPosition` asks the same transaction. */
function* allRecords(database: Database.Database, lastPosition: () => number, now: number): Generator<BusRecord> {
  yield { kind: 'bus', version: 1, exported_at: new Date(now).toISOString(), last_position: lastPosition() };
  yield* entries(database);
  yield* deliveries(database);
  yield* rest(database);
}

export interface ExportOptions {
  readonly file: string;
  /** The query for the last position given. */
  readonly lastPositionQuery: string;
  /** Unix milliseconds. */
  readonly now: number;
  /** Why the bus takes nothing any more; null while it is open. */
  readonly refusal: () => AppError | null;
}

/** Reads the whole bus in one read transaction on a connection of its own: writers go on, and nothing is held in memory. */
export async function* exportDatabase(options: ExportOptions): AsyncGenerator<Result<BusRecord>, void, undefined> {
  const closed = options.refusal();
  if (closed !== null) return yield failure(closed);
  let database: Database.Database | null = null;
  try {
    database = new Database(options.file, { readonly: true, fileMustExist: true });
    const reader = database;
    reader.exec('BEGIN');
    const lastPosition = (): number => reader.prepare<[], number>(options.lastPositionQuery).pluck().get() ?? 0;
    let records = 0;
    for (const record of allRecords(reader, lastPosition, options.now)) {
      yield success(record);
      records += 1;
      if (records % batch === 0) await setImmediate();
      const refusal = options.refusal();
      if (refusal !== null) return yield failure(refusal);
    }
    yield success({ kind: 'end', records });
  } catch (thrown) {
    const error = storageError(thrown, options.file);
    if (error === null) throw thrown;
    yield failure(error);
  } finally {
    database?.close();
  }
}
