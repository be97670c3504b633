import { createWriteStream, type WriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';

/** Bytes of a worker's standard error that are kept; the rest is dropped, so that the worker is never paused by its log. */
const attemptLogBytes = 8 * 1_048_576;
const dropNotice = '\n[the rest of this log was dropped: it is longer than its budget]\n';

/** Stores a worker's log. A log that cannot be written never fails the work. */
export class AttemptLog {
  readonly #file: WriteStream;
  readonly #budget: number;
  #written = 0;
  #tail = '';

  constructor(path: string, budget: number = attemptLogBytes) {
    this.#budget = budget;
    this.#file = createWriteStream(path, { mode: 0o600 });
    this.#file.on('error', () => undefined);
  }

  follow(log: Readable): void {
    log.on('data', (chunk: Buffer) => this.#append(chunk));
    log.on('error', () => undefined);
  }

  /** The last words, for the cause of an error: at most 500 characters. */
  tail(): string {
    return this.#tail.trim().slice(-500);
  }

  async close(): Promise<void> {
    this.#file.end();
    await finished(this.#file).catch(() => undefined);
  }

  #append(chunk: Buffer): void {
    this.#tail = (this.#tail + chunk.subarray(-1000).toString('utf8')).slice(-1000);
    const room = this.#budget - this.#written;
    if (room <= 0) return;
    this.#written += chunk.length;
    this.#file.write(chunk.subarray(0, room));
    if (chunk.length >= room) this.#file.write(dropNotice);
  }
}
