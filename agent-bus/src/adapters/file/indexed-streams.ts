import { createHash } from 'node:crypto';
import { derivedIdSync } from '../../dead-letter-notice.ts';
import type { EntryFact } from './step.ts';

/** Bytes in a segment of the journal. */
export interface Location {
  readonly segment: number;
  readonly offset: number;
  readonly bytes: number;
}

/** What is known of an envelope without reading it. */
export interface Entry {
  readonly id: string;
  readonly stream: string;
  readonly seq: number;
  readonly position: number;
  /** Unix milliseconds. */
  readonly at: number;
  readonly digest: string;
  check: number;
  location: Location;
  /** False where the stored bytes are not those that were written. */
  sound: boolean;
}

/** Of no bytes: nothing that is stored has it. */
const noCheck = 1;
const nowhere: Location = { segment: 0, offset: 0, bytes: 0 };

/** The streams: which envelopes, in which order, where they lie. */
export class IndexedStreams {
  readonly #byId = new Map<string, Entry>();
  readonly #streams = new Map<string, Entry[]>();
  /** By position, ascending. */
  #order: Entry[] = [];
  /** Positions of which damage left nothing. */
  #lost: number[] = [];
  #gapExpected = false;
  #floor = 0;

  get lastPosition(): number {
    return Math.max(this.#floor, this.#order.at(-1)?.position ?? 0);
  }

  get size(): number {
    return this.#order.length;
  }

  find(id: string): Entry | undefined {
    return this.#byId.get(id);
  }

  version(stream: string): number {
    return this.#streams.get(stream)?.length ?? 0;
  }

  names(): readonly string[] {
    return [...this.#streams.keys()];
  }

  /** The entries of a stream with seq > `after`. */
  stream(name: string, after: number, limit?: number): readonly Entry[] {
    const entries = this.#streams.get(name) ?? [];
    return entries.slice(Math.max(0, after), limit === undefined ? entries.length : Math.max(0, after) + limit);
  }

  /** Entries with a greater position, in order. */
  after(position: number, limit: number): readonly Entry[] {
    const from = this.#firstAfter(position);
    return this.#order.slice(from, from + limit);
  }

  at(position: number): Entry | undefined {
    const entry = this.#order[this.#firstAfter(position - 1)];
    return entry?.position === position ? entry : undefined;
  }

  add(fact: EntryFact, body: { readonly location: Location; readonly sound: boolean } | undefined): void {
    const { id, stream, seq, position, at, digest, check } = fact;
    if (this.#gapExpected) for (let lost = this.lastPosition + 1; lost < position; lost += 1) this.#lost.push(lost);
    this.#gapExpected = false;
    for (let missing = this.version(stream) + 1; missing < seq; missing += 1) this.#standIn(stream, missing, at);
    const { location, sound } = body ?? { location: nowhere, sound: false };
    this.#insert({ id, stream, seq, position, at, digest, check, location, sound });
  }

  /** Records were lost here: the positions missing before the next entry are theirs. */
  expectGap(): void {
    this.#gapExpected = true;
  }

  /** The bytes of a damaged envelope came again. */
  heal(
    { position, check }: Pick<EntryFact, 'position' | 'check'>,
    body: { readonly location: Location; readonly sound: boolean } | undefined,
  ): void {
    const entry = this.at(position);
    if (entry !== undefined && body !== undefined) Object.assign(entry, body, { check });
  }

  /** Takes a stream away and returns what it held. */
  drop(name: string): readonly Entry[] {
    const entries = this.#streams.get(name) ?? [];
    this.raiseFloor(entries.at(-1)?.position ?? 0);
    this.#streams.delete(name);
    for (const { id } of entries) this.#byId.delete(id);
    if (entries.length > 0) this.#order = this.#order.filter(({ stream }) => stream !== name);
    return entries;
  }

  /** Positions up to `floor` are not given again. */
  raiseFloor(floor: number): void {
    this.#floor = Math.max(this.#floor, floor);
  }

  /** Damage took an entry of which only its place is known: its stream shows it all the same. */
  #standIn(stream: string, seq: number, at: number): void {
    const id = derivedIdSync(`lost/${stream}/${seq}`);
    const digest = createHash('sha256').update(id).digest('base64');
    const position = this.#lost.shift();
    const entry = { id, stream, seq, at, digest, check: noCheck, location: nowhere, sound: false };
    if (position === undefined) this.#streamOf(stream).push({ ...entry, position: 0 });
    else this.#insert({ ...entry, position });
  }

  #insert(entry: Entry): void {
    this.#byId.set(entry.id, entry);
    this.#streamOf(entry.stream).push(entry);
    if (entry.position > (this.#order.at(-1)?.position ?? 0)) this.#order.push(entry);
    else this.#order.splice(this.#firstAfter(entry.position), 0, entry);
  }

  #streamOf(name: string): Entry[] {
    const known = this.#streams.get(name) ?? [];
    this.#streams.set(name, known);
    return known;
  }

  #firstAfter(position: number): number {
    let [low, high] = [0, this.#order.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#order[middle]?.position ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
