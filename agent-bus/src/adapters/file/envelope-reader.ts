import { crc32 } from 'node:zlib';
import type { StreamEntry } from '../../bus.ts';
import { readEntry, type MessageRow } from '../../stored-envelope.ts';
import type { Entry, Location } from './state.ts';

/** Reads envelopes from where they lie. */
export class EnvelopeReader {
  readonly #read: (location: Location) => Buffer;

  /** `read`: the bytes that lie there, whatever they are. */
  constructor(read: (location: Location) => Buffer) {
    this.#read = read;
  }

  /** The JSON of an envelope; empty where its bytes are not those that were written. */
  text(entry: Entry): string {
    if (!entry.sound) return '';
    const body = this.#read(entry.location);
    return crc32(body) === entry.check ? body.toString('utf8') : '';
  }

  row(entry: Entry): MessageRow {
    const { id, position, stream, seq, at } = entry;
    const envelope = this.text(entry);
    return { id, position, stream, seq, stored_at: at, checksum: envelope === '' ? entry.check : null, envelope };
  }

  /** The entries with their envelopes; an unreadable one shows as a `dead_letter` in its place. */
  readAll(entries: readonly Entry[]): readonly StreamEntry[] {
    return entries.map((entry) => readEntry(this.row(entry)));
  }
}
