import { success, type Result } from '@agentcompany/protocol';
import type { StreamEntry } from '../../bus.ts';
import type { Reply } from './link.ts';
import {
  lastPositionScript,
  readAllScript,
  readStreamScript,
  streamsScript,
  versionScript,
} from './scripts/reading.ts';
import { listAt, type Store } from './store.ts';
import { readEntries } from './stored-entry.ts';

/** Reads the streams. Errors: as `Link.run`. */
export class Ledger {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async readStream(stream: string, after: number, limit: number): Promise<Result<readonly StreamEntry[]>> {
    const entries: StreamEntry[] = [];
    for (let left = limit; left > 0;) {
      const values = [stream, after + entries.length, Math.min(left, Number.MAX_SAFE_INTEGER)];
      const answered = await this.#store.run(readStreamScript, values);
      if (!answered.ok) return answered;
      const found = this.#entriesOf(answered.value.rest);
      if (found.length === 0) break;
      entries.push(...found);
      left = limit - entries.length;
    }
    return success(entries);
  }

  async readAfter(position: number, limit: number, signal?: AbortSignal): Promise<Result<readonly StreamEntry[]>> {
    const entries: StreamEntry[] = [];
    while (entries.length < limit) {
      const values = [entries.at(-1)?.position ?? position, Math.min(limit - entries.length, Number.MAX_SAFE_INTEGER)];
      const answered = await this.#store.run(readAllScript, values, { signal });
      if (!answered.ok) return answered;
      const found = this.#entriesOf(answered.value.rest);
      if (found.length === 0) break;
      entries.push(...found);
    }
    return success(entries);
  }

  version(stream: string): Promise<Result<number>> {
    return this.#number(versionScript, [stream]);
  }

  lastPosition(): Promise<Result<number>> {
    return this.#number(lastPositionScript, []);
  }

  async streams(): Promise<Result<readonly string[]>> {
    const answered = await this.#store.run(streamsScript, []);
    return answered.ok ? success(listAt(answered.value.rest, 0).map(String)) : answered;
  }

  async #number(script: typeof versionScript, values: readonly string[]): Promise<Result<number>> {
    const answered = await this.#store.run(script, values);
    return answered.ok ? success(Number(answered.value.rest[0])) : answered;
  }

  #entriesOf(rest: Reply): readonly StreamEntry[] {
    this.#store.saw(rest[0]);
    return readEntries(listAt(rest, 1));
  }
}
