import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readEntry } from '../../stored-envelope.ts';
import type { EnvelopeReader } from './envelope-reader.ts';
import { fileNameOf } from './projection-names.ts';
import type { Entry, State } from './state.ts';

/** How far a file was written, and how it looked then. */
interface Written {
  readonly seq: number;
  readonly size: number;
  readonly modified: number;
}

/** How many entries are compared and written at a time. */
const batch = 64;

/** `history/<stream>.ndjson`: one envelope a line. For people; never read back as truth. */
export class ProjectedHistory {
  readonly #folder: string;
  readonly #envelopes: EnvelopeReader;
  readonly #written = new Map<string, Written>();

  constructor(folder: string, envelopes: EnvelopeReader) {
    this.#folder = join(folder, 'history');
    this.#envelopes = envelopes;
  }

  /** Takes away the files of streams that are no more. */
  async compare(state: State): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    this.#written.clear();
    const known = new Set(state.ledger.names().map((name) => `${fileNameOf(name)}.ndjson`));
    for (const name of await readdir(this.#folder))
      if (name.endsWith('.ndjson') && !known.has(name)) await rm(join(this.#folder, name), { force: true });
  }

  /** Brings the file of a stream up to date: from where it was left, or from the beginning where it is not known or not as it was left. */
  async update(stream: string, state: State): Promise<void> {
    const path = this.#pathOf(stream);
    if (state.ledger.version(stream) === 0) {
      this.#written.delete(stream);
      await rm(path, { force: true });
      return;
    }
    const written = this.#written.get(stream);
    const isAsLeft = written !== undefined && (await this.#isAsLeft(path, written));
    await this.#writeFrom(stream, path, state, isAsLeft ? written : { seq: 0, size: 0 });
  }

  /** Mends the file of a stream that someone has changed or removed. */
  async mend(stream: string, state: State): Promise<void> {
    const written = this.#written.get(stream);
    if (written !== undefined && !(await this.#isAsLeft(this.#pathOf(stream), written)))
      await this.update(stream, state);
  }

  async #isAsLeft(path: string, { size, modified }: Written): Promise<boolean> {
    const found = await stat(path).catch(() => null);
    return found !== null && found.size === size && found.mtimeMs === modified;
  }

  /** Writes only where the file says something else: what is right stays untouched. */
  async #writeFrom(stream: string, path: string, state: State, from: Pick<Written, 'seq' | 'size'>): Promise<void> {
    const file = await open(path, 'a', 0o600).then(async (made) => {
      await made.close();
      return open(path, 'r+');
    });
    try {
      let { seq, size } = from;
      for (;;) {
        const entries = state.ledger.stream(stream, seq, batch);
        if (entries.length === 0) break;
        const bytes = Buffer.concat(entries.map((entry) => this.#line(entry)));
        const found = Buffer.alloc(bytes.length);
        await file.read(found, 0, bytes.length, size);
        if (!found.equals(bytes)) await file.write(bytes, 0, bytes.length, size);
        seq += entries.length;
        size += bytes.length;
      }
      await file.truncate(size);
      const { mtimeMs } = await file.stat();
      this.#written.set(stream, { seq, size, modified: mtimeMs });
    } finally {
      await file.close();
    }
  }

  #line(entry: Entry): Buffer {
    const text = this.#envelopes.text(entry);
    return Buffer.from(`${text === '' ? JSON.stringify(readEntry(this.#envelopes.row(entry)).envelope) : text}\n`);
  }

  #pathOf(stream: string): string {
    return join(this.#folder, `${fileNameOf(stream)}.ndjson`);
  }
}
