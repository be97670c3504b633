import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { makePrivateFolder, syncFolder } from '../../file-system.ts';
import { encodeRecord, journalVersion } from './frame.ts';

const segmentName = /^(\d+)\.log$/;
const draftName = /\.tmp$/;

export const journalFolder = (busFolder: string): string => join(busFolder, 'journal');
export const segmentFile = (folder: string, segment: number): string => join(folder, `${segment}.log`);

/** Writes all of it at `offset`, however many calls that takes. Throws what the system throws. */
export function writeFully(descriptor: number, bytes: Buffer, offset: number): void {
  for (let written = 0; written < bytes.length;)
    written += writeSync(descriptor, bytes, written, bytes.length - written, offset + written);
}

/** The files of the journal: `<number>.log`, numbers ascending. Descriptors stay open: envelopes are read from them at any time. */
export class Segments {
  readonly folder: string;
  readonly #descriptors = new Map<number, number>();
  #closed = false;

  constructor(folder: string) {
    this.folder = folder;
    makePrivateFolder(folder);
  }

  path(segment: number): string {
    return segmentFile(this.folder, segment);
  }

  /** The numbers of the segments there are, ascending. */
  list(): readonly number[] {
    const found = readdirSync(this.folder).map((name) => segmentName.exec(name)?.[1]);
    return found
      .filter((digits) => digits !== undefined)
      .map(Number)
      .toSorted((left, right) => left - right);
  }

  exists(segment: number): boolean {
    return statSync(this.path(segment), { throwIfNoEntry: false }) !== undefined;
  }

  descriptor(segment: number): number {
    const known = this.#descriptors.get(segment);
    if (known !== undefined) return known;
    if (this.#closed) throw new Error(`segment ${segment} is read after the journal was closed`);
    const opened = openSync(this.path(segment), 'r+');
    this.#descriptors.set(segment, opened);
    return opened;
  }

  /** Bytes of the segment. */
  size(segment: number): number {
    return fstatSync(this.descriptor(segment)).size;
  }

  /** The bytes there, fewer at the end of the file. */
  read(segment: number, offset: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    let read = 0;
    while (read < length) {
      const more = readSync(this.descriptor(segment), bytes, read, length - read, offset + read);
      if (more === 0) break;
      read += more;
    }
    return bytes.subarray(0, read);
  }

  /** A file beside the segments, which becomes one by `publish`. */
  draft(): { readonly path: string; readonly descriptor: number } {
    const path = join(this.folder, `${process.pid}-${randomUUID()}.tmp`);
    return { path, descriptor: openSync(path, 'w+', 0o600) };
  }

  /** In one step the draft is segment `segment`, durably: content before name, name before first use. The descriptor is closed. */
  publish(draft: { readonly path: string; readonly descriptor: number }, segment: number): void {
    fsyncSync(draft.descriptor);
    closeSync(draft.descriptor);
    renameSync(draft.path, this.path(segment));
    syncFolder(this.folder);
  }

  /** Makes an empty segment; durable before it returns. */
  create(segment: number, base: boolean): void {
    const draft = this.draft();
    writeFully(draft.descriptor, Buffer.concat(headerOf(base)), 0);
    this.publish(draft, segment);
  }

  /** Removes the segments before `first`. One that another process keeps from being removed goes the next time. */
  removeBefore(first: number): void {
    for (const segment of this.list()) if (segment < first) this.#remove(segment);
  }

  /** Removes what a killed process was about to make. Called under the lock. */
  removeDrafts(): void {
    for (const name of readdirSync(this.folder)) if (draftName.test(name)) rmSync(join(this.folder, name));
  }

  /** Gives up the descriptors of segments before `first`: whoever compacted the journal has removed them. */
  releaseBefore(first: number): void {
    for (const [segment, descriptor] of this.#descriptors) {
      if (segment >= first) continue;
      closeSync(descriptor);
      this.#descriptors.delete(segment);
    }
  }

  close(): void {
    this.#closed = true;
    for (const descriptor of this.#descriptors.values()) closeSync(descriptor);
    this.#descriptors.clear();
  }

  #remove(segment: number): void {
    const opened = this.#descriptors.get(segment);
    if (opened !== undefined) closeSync(opened);
    this.#descriptors.delete(segment);
    try {
      rmSync(this.path(segment));
    } catch (cause) {
      if (process.platform !== 'win32') throw cause;
    }
  }
}

/** The first record of a segment. */
export function headerOf(base: boolean): readonly Buffer[] {
  return encodeRecord({ journal: { version: journalVersion, base } }, []);
}
