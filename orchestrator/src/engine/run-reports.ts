import { setTimeout } from 'node:timers/promises';
import type { Run } from '../company/records.ts';

/** Milliseconds between two reports of one run: of a large one each takes a while. */
const pauseMs = 500;

/** Writes the reports of runs as they move: of each run one at a time, the latest state in the end. */
export class RunReports {
  readonly #write: (run: Run) => Promise<void>;
  readonly #moved = new Map<string, Run>();
  readonly #writing = new Map<string, Promise<void>>();
  readonly #finishing = new AbortController();

  /** `write` does not reject. */
  constructor(write: (run: Run) => Promise<void>) {
    this.#write = write;
  }

  note(run: Run): void {
    this.#moved.set(run.id, run);
    if (!this.#writing.has(run.id)) this.#writing.set(run.id, this.#writeWhatMoves(run.id));
  }

  /** Writes what is still to be written. */
  async finish(): Promise<void> {
    this.#finishing.abort();
    await Promise.all(this.#writing.values());
  }

  async #writeWhatMoves(id: string): Promise<void> {
    for (let run = this.#moved.get(id); run !== undefined; run = this.#moved.get(id)) {
      this.#moved.delete(id);
      await this.#write(run);
      await setTimeout(pauseMs, undefined, { signal: this.#finishing.signal }).catch(() => undefined);
    }
    this.#writing.delete(id);
  }
}
