import { closeSync, rmSync } from 'node:fs';
import { encodeRecord } from './frame.ts';
import type { Place } from './bell.ts';
import { headerOf, writeFully, type Segments } from './segments.ts';
import type { EntryFact, Step } from './step.ts';

/** A record of a new generation holds no more than this many facts or bytes of envelopes. */
const recordFacts = 256;
const recordBytes = 1024 * 1024;

/** A journal that is written anew beside the one in use. It counts from the moment it is published; until then nothing has happened. */
export class Generation {
  readonly #segments: Segments;
  readonly #draft: { readonly path: string; readonly descriptor: number };
  #offset = 0;
  #entries: EntryFact[] = [];
  #bodies: Buffer[] = [];
  #bytes = 0;

  constructor(segments: Segments) {
    this.#segments = segments;
    this.#draft = segments.draft();
    this.#write(headerOf(true));
  }

  /** Adds an envelope; true when a record was full and has been written: time to let others go on. */
  addEntry(entry: EntryFact, body: Buffer): boolean {
    this.#entries.push(entry);
    this.#bodies.push(body);
    this.#bytes += body.length;
    if (this.#entries.length < recordFacts && this.#bytes < recordBytes) return false;
    this.#flush();
    return true;
  }

  /** Adds what belongs to the envelopes, in records of a bounded size. */
  addFacts<Name extends 'deliveries' | 'graves' | 'leases' | 'forgotten'>(
    name: Name,
    facts: NonNullable<Step[Name]>,
  ): void {
    for (let from = 0; from < facts.length; from += recordFacts)
      this.addStep({ [name]: facts.slice(from, from + recordFacts) });
  }

  addStep(step: Step): void {
    this.#flush();
    this.#write(encodeRecord(step, []));
  }

  /** Copies records as they are. */
  copy(segment: number, from: number, to: number): void {
    this.#flush();
    for (let offset = from; offset < to; offset += recordBytes)
      this.#write([this.#segments.read(segment, offset, Math.min(recordBytes, to - offset))]);
  }

  /** Under the lock: from here on this is the journal, in place of all up to `end`. */
  publish(end: Place): void {
    this.#flush();
    this.#segments.publish(this.#draft, end.segment + 1);
  }

  /** Leaves nothing behind. Not after `publish`. */
  abandon(): void {
    closeSync(this.#draft.descriptor);
    rmSync(this.#draft.path, { force: true });
  }

  #flush(): void {
    if (this.#entries.length === 0) return;
    this.#write(encodeRecord({ entries: this.#entries }, this.#bodies));
    this.#entries = [];
    this.#bodies = [];
    this.#bytes = 0;
  }

  #write(record: readonly Buffer[]): void {
    const bytes = Buffer.concat(record);
    writeFully(this.#draft.descriptor, bytes, this.#offset);
    this.#offset += bytes.length;
  }
}
