import Database from 'better-sqlite3';

/** How long a call blocks the process for a lock; beyond it the caller waits without blocking. Milliseconds. */
const blockingWait = 20;

/** A lock among processes, held by an open transaction on an otherwise unused database: the kernel frees it at death. */
export class Lock {
  readonly file: string;
  readonly #database: Database.Database;
  readonly #wait: number;
  readonly #begin: Database.Statement<[]>;
  readonly #rollback: Database.Statement<[]>;

  constructor(file: string, wait: number = blockingWait) {
    this.file = file;
    this.#wait = wait;
    this.#database = new Database(file);
    try {
      this.#database.pragma('busy_timeout = 10000');
      // In an empty database every transaction would begin by writing the first page.
      this.#database.exec('CREATE TABLE IF NOT EXISTS holders (name)');
      this.#database.pragma(`busy_timeout = ${wait}`);
      this.#begin = this.#database.prepare('BEGIN IMMEDIATE');
      this.#rollback = this.#database.prepare('ROLLBACK');
    } catch (thrown) {
      this.#database.close();
      throw thrown;
    }
  }

  /** True when this process holds the lock now, false while another one does. */
  acquire(): boolean {
    try {
      this.#begin.run();
      return true;
    } catch (thrown) {
      if (thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('SQLITE_BUSY')) return false;
      throw thrown;
    }
  }

  /** As `acquire`, for opening, where there is nobody to block: waits up to ten seconds, then throws `SQLITE_BUSY`. */
  acquireWaiting(): void {
    this.#database.pragma('busy_timeout = 10000');
    this.#begin.run();
    this.#database.pragma(`busy_timeout = ${this.#wait}`);
  }

  release(): void {
    this.#rollback.run();
  }

  close(): void {
    this.#database.close();
  }
}
