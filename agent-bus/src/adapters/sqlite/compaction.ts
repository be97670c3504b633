import type Database from 'better-sqlite3';

/** How long ids outlive their stream (DESIGN §3), in milliseconds. */
const idHorizon = 30 * 24 * 60 * 60 * 1000;

interface StreamRow {
  readonly number: number;
  readonly last_at: number;
  readonly last_position: number;
  readonly open: number;
}

function prepareStatements(database: Database.Database) {
  return {
    find: database.prepare<[string], StreamRow>(
      `SELECT s.number, max(m.stored_at) AS last_at, max(m.position) AS last_position,
         EXISTS (SELECT 1 FROM deliveries d INDEXED BY deliveries_ready JOIN messages o ON o.position = d.position
                 WHERE d.state = 0 AND o.stream = s.number)
         OR EXISTS (SELECT 1 FROM deliveries d INDEXED BY deliveries_timed JOIN messages o ON o.position = d.position
                 WHERE d.state IN (1, 2) AND o.stream = s.number)
         OR EXISTS (SELECT 1 FROM dead_letters l JOIN messages o ON o.position = l.position WHERE o.stream = s.number) AS open
       FROM streams s JOIN messages m ON m.stream = s.number WHERE s.name = ? GROUP BY s.number`,
    ),
    remember: database.prepare<[number, number]>(
      `INSERT OR REPLACE INTO forgotten (id, position, stream, seq, digest, until)
       SELECT m.id, m.position, s.name, m.seq, m.digest, ? FROM messages m JOIN streams s ON s.number = m.stream WHERE m.stream = ?`,
    ),
    removeMessages: database.prepare<[number]>('DELETE FROM messages WHERE stream = ?'),
    removeStream: database.prepare<[number]>('DELETE FROM streams WHERE number = ?'),
    raiseFloor: database.prepare<[number]>(
      `INSERT INTO facts (name, value) VALUES ('position_floor', ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)`,
    ),
    removeOrphans: database.prepare(
      'DELETE FROM deliveries WHERE state IN (3, 4) AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.position = deliveries.position)',
    ),
    removeQueues: database.prepare(
      'DELETE FROM queues WHERE NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.queue = queues.number)',
    ),
    forget: database.prepare<[number]>('DELETE FROM forgotten WHERE until <= ?'),
  };
}

/** Takes old streams out of the store. Methods are called inside an open transaction; times in unix milliseconds. */
export class Compaction {
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(database: Database.Database) {
    this.#statements = prepareStatements(database);
  }

  /** Drops the stream unless it is newer than `closedBefore` or something of it still waits, is leased or lies among the dead letters. Returns the number of its entries. */
  drop(stream: string, closedBefore: number, now: number): number {
    const row = this.#statements.find.get(stream);
    if (row === undefined || row.last_at >= closedBefore || row.open !== 0) return 0;
    this.#statements.remember.run(now + idHorizon, row.number);
    const { changes } = this.#statements.removeMessages.run(row.number);
    this.#statements.removeStream.run(row.number);
    this.#statements.raiseFloor.run(row.last_position);
    return changes;
  }

  /** Ends a compaction: the ended deliveries of dropped streams go, with queues that are left empty and ids whose horizon has passed. */
  tidy(now: number): undefined {
    this.#statements.removeOrphans.run();
    this.#statements.removeQueues.run();
    this.#statements.forget.run(now);
  }
}
