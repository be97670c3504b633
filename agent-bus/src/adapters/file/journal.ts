import { fdatasyncSync, ftruncateSync } from 'node:fs';
import { makePrivateFolder } from '../../file-system.ts';
import { Bell, bellFile, type Place } from './bell.ts';
import { quarantine, salvagedSteps, tellDamage, type Extent } from './damage.ts';
import { encodeRecord, isHeader, journalVersion, parsePrefix, parseStep, prefixBytes } from './frame.ts';
import { scan } from './scan.ts';
import { journalFolder, Segments, writeFully } from './segments.ts';
import { isFull, isMissing } from './storage-error.ts';
import { State, type Location, type StoredBody } from './state.ts';
import type { Step } from './step.ts';

/** Where nothing else is said, in bytes. */
export const defaultSegmentBytes = 64 * 1024 * 1024;

/** How often a reader looks again whose segments are taken away under it. */
const looks = 20;

/** The journal was written by a newer version; `found` is its number. */
export class NewerJournal extends Error {
  readonly file: string;
  readonly found: number;
  constructor(file: string, found: number) {
    super(`${file} has version ${found}`);
    this.file = file;
    this.found = found;
  }
}

/** The first file of the journal holds nothing of ours. */
export class ForeignJournal extends Error {
  readonly file: string;
  constructor(file: string) {
    super(`${file} holds no record`);
    this.file = file;
  }
}

export interface JournalOptions {
  readonly folder: string;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** A segment that has grown beyond this many bytes is followed by a new one. */
  readonly segmentBytes: number;
  /** Called when the state was changed by what others wrote. */
  readonly onForeignStep: () => void;
}

/**
 * The journal and its fold. Reading needs no lock and goes as far as the bell says; `catchUp`, `stage` and `commit` are called under the
 * lock, without a pause between them.
 */
export class Journal {
  readonly segments: Segments;
  readonly bell: Bell;
  readonly #options: JournalOptions;
  #state = new State();
  /** Up to where the journal is folded. */
  #end: Place = { segment: 0, offset: 0 };
  #base = 0;
  #staged: Buffer[] = [];
  #stagedBytes = 0;
  readonly #stagedBodies = new Map<number, Buffer>();
  /** Offsets of damage that this fold has passed over; those that nobody has been told of. */
  #skipped = new Set<string>();
  #untold: Extent[] = [];
  #mustReload = false;

  constructor(options: JournalOptions) {
    this.#options = options;
    makePrivateFolder(options.folder);
    this.segments = new Segments(journalFolder(options.folder));
    this.bell = new Bell(bellFile(options.folder));
  }

  get state(): State {
    return this.#state;
  }

  get end(): Place {
    return this.#end;
  }

  /** The file that grows. */
  get file(): string {
    return this.segments.path(this.#end.segment);
  }

  /** Under the lock: makes or reads the journal, mends its tail, and makes durable what a killed process may have left in the page cache alone. */
  open(): void {
    this.segments.removeDrafts();
    if (this.segments.list().length === 0) this.segments.create(1, true);
    this.#reload(null);
    this.segments.removeBefore(this.#base);
    for (const segment of this.segments.list()) fdatasyncSync(this.segments.descriptor(segment));
    this.#heal();
    this.bell.ring(this.#end);
  }

  /** Without the lock: folds what has become visible. */
  refresh(): void {
    for (let look = 1; ; look += 1) {
      const visible = this.bell.read();
      const isHere = visible?.segment === this.#end.segment && visible.offset <= this.#end.offset;
      if (isHere && !this.#mustReload) return;
      try {
        this.#follow(visible, visible);
        return;
      } catch (thrown) {
        // A compaction took a segment away between the look at the bell and the opening: the bell tells of it by now.
        if (look === looks || !isMissing(thrown)) throw thrown;
      }
    }
  }

  /** Under the lock: folds all there is. What a killed writer left behind is made durable before anyone is answered for it. */
  catchUp(): void {
    const visible = this.bell.read();
    this.#follow(null, visible);
    this.#heal();
    if (visible?.segment !== this.#end.segment || visible.offset !== this.#end.offset) {
      fdatasyncSync(this.segments.descriptor(this.#end.segment));
      this.bell.ring(this.#end);
    }
    if (this.#end.offset > this.#options.segmentBytes) this.#rollIfPossible();
  }

  /** Folds a step that `commit` will write. `bodies`: the JSON of its envelopes. */
  stage(step: Step, bodies: readonly Buffer[]): void {
    const record = encodeRecord(step, bodies);
    let offset = this.#end.offset + this.#stagedBytes + (record[0]?.length ?? 0);
    const stored = bodies.map((body) => {
      const location = { segment: this.#end.segment, offset, bytes: body.length };
      this.#stagedBodies.set(offset, body);
      offset += body.length + 1;
      return { location, sound: true };
    });
    this.#state.apply(step, stored);
    this.#staged.push(...record);
    this.#stagedBytes = offset - this.#end.offset;
  }

  /** Whether there is more than the bell tells of: a writer is at it, or was killed. */
  get isBehind(): boolean {
    const { segment, offset } = this.#end;
    return this.segments.size(segment) > offset || this.segments.exists(segment + 1);
  }

  /** The first segment that counts. */
  get base(): number {
    return this.#base;
  }

  /** Bytes of all segments. */
  get size(): number {
    return this.segments.list().reduce((total, segment) => total + this.segments.size(segment), 0);
  }

  /** Under the lock: takes up a newly published base, shows it, and removes what lay before it. */
  begin(): void {
    this.#reload(null);
    this.bell.ring(this.#end);
    this.segments.removeBefore(this.#base);
  }

  /** How much damage this fold has met. */
  get damages(): number {
    return this.#skipped.size;
  }

  /** The bytes of an envelope: of one staged in this very step they are not in the file yet. */
  read({ segment, offset, bytes }: Location): Buffer {
    const staged = segment === this.#end.segment ? this.#stagedBodies.get(offset) : undefined;
    return staged ?? this.segments.read(segment, offset, bytes);
  }

  get hasStaged(): boolean {
    return this.#stagedBytes > 0;
  }

  /** Appends what is staged. It is not yet visible to others. Throws what the system throws; `discard` then takes everything back. */
  write(): void {
    const bytes = Buffer.concat(this.#staged);
    writeFully(this.segments.descriptor(this.#end.segment), bytes, this.#end.offset);
    this.#end = { segment: this.#end.segment, offset: this.#end.offset + bytes.length };
    this.#clearStaged();
  }

  sync(): void {
    fdatasyncSync(this.segments.descriptor(this.#end.segment));
  }

  /** Shows what was written. */
  publish(): void {
    this.bell.ring(this.#end);
  }

  /** Takes back what was staged, also what a failed `write` has left of it. The fold is made anew before anyone looks at it again. */
  discard(): void {
    this.distrust();
    if (!this.hasStaged) return;
    this.#clearStaged();
    ftruncateSync(this.segments.descriptor(this.#end.segment), this.#end.offset);
  }

  /** The fold may hold what no record says: it is made anew before anyone looks at it again. */
  distrust(): void {
    this.#mustReload = true;
  }

  close(): void {
    this.segments.close();
    this.bell.close();
  }

  #clearStaged(): void {
    this.#staged = [];
    this.#stagedBytes = 0;
    this.#stagedBodies.clear();
  }

  #follow(limit: Place | null, visible: Place | null): void {
    const before = this.#end;
    const moved = limit === null ? this.#hasMoved(visible) : limit.segment !== before.segment;
    if (!this.#mustReload) {
      if (moved && this.#newestBase(limit) !== this.#base) this.#reload(limit);
      else this.#advance(limit, moved);
    }
    if (this.#mustReload) this.#reload(limit);
    if (this.#end.segment !== before.segment || this.#end.offset !== before.offset) this.#options.onForeignStep();
  }

  /** Under the lock: whether the journal goes on in another segment. The bell may be behind by one segment, never by more. */
  #hasMoved(visible: Place | null): boolean {
    return visible === null || visible.segment !== this.#end.segment || this.segments.exists(this.#end.segment + 1);
  }

  #reload(limit: Place | null): void {
    this.#state = new State();
    this.#skipped = new Set();
    this.#untold = [];
    this.#base = this.#newestBase(limit);
    this.segments.releaseBefore(this.#base);
    this.#end = { segment: this.#base, offset: 0 };
    this.#advance(limit, true);
    this.#mustReload = false;
  }

  /** Folds from where it stands to `limit`, or to the end of the last segment. Bytes at the very end that are no record are left to `heal`. */
  #advance(limit: Place | null, through: boolean): void {
    const others = through ? this.segments.list().filter((segment) => segment > this.#end.segment) : [];
    for (const segment of [this.#end.segment, ...others]) {
      if (limit !== null && segment > limit.segment) break;
      if (segment !== this.#end.segment) this.#end = { segment, offset: 0 };
      const size = this.segments.size(segment);
      const to = limit?.segment === segment ? Math.min(limit.offset, size) : size;
      this.#fold(to, segment === (others.at(-1) ?? segment));
    }
  }

  #fold(to: number, isLast: boolean): void {
    for (const found of scan(this.segments, this.#end.segment, this.#end.offset, to)) {
      if (found.kind === 'damage') {
        if (isLast && found.end === to) return;
        this.#passOver(found);
      } else if (found.kind === 'header') this.#checkVersion(found.header.journal.version);
      else this.#apply(found.step, found.bodies);
      this.#end = { segment: found.segment, offset: found.end };
    }
  }

  #apply(step: Step, bodies: readonly StoredBody[]): void {
    this.#state.apply(step, bodies);
    for (const { segment, offset } of step.damages ?? []) {
      this.#untold = this.#untold.filter((extent) => extent.segment !== segment || extent.offset !== offset);
      // Someone found damaged what this process had read while it was sound.
      if (!this.#skipped.has(`${segment}-${offset}`)) this.#mustReload = true;
    }
  }

  #passOver(extent: Extent): void {
    this.#skipped.add(`${extent.segment}-${extent.offset}`);
    this.#untold.push(extent);
    for (const { step, bodies } of salvagedSteps(this.segments, this.#state, extent)) this.#state.apply(step, bodies);
    this.#state.ledger.expectGap();
  }

  #checkVersion(version: number): void {
    if (version > journalVersion) throw new NewerJournal(this.file, version);
  }

  /** Under the lock: quarantines a torn tail and tells of all damage that nobody was told of. */
  #heal(): void {
    const { segment, offset } = this.#end;
    const size = this.segments.size(segment);
    if (size > offset) {
      const torn = { segment, offset, end: size };
      if (offset === 0 && segment === this.#base) throw new ForeignJournal(this.file);
      this.#untold.push(torn);
      quarantine(this.#options.folder, this.segments, torn);
      ftruncateSync(this.segments.descriptor(segment), offset);
      // Who has read the cut bytes while they were sound must notice: the journal goes on in a new segment.
      this.#roll();
    }
    const untold = this.#untold;
    if (untold.length === 0) return;
    for (const extent of untold) quarantine(this.#options.folder, this.segments, extent);
    const { step, bodies } = tellDamage(this.#state, this.segments, untold, this.#options.now());
    for (const extent of untold) this.#skipped.add(`${extent.segment}-${extent.offset}`);
    this.#untold = [];
    this.stage(step, bodies);
    this.write();
    this.sync();
    this.publish();
  }

  /** On a full disk the segment goes on growing: what ends work must still find room. */
  #rollIfPossible(): void {
    try {
      this.#roll();
    } catch (thrown) {
      if (!isFull(thrown)) throw thrown;
    }
  }

  #roll(): void {
    fdatasyncSync(this.segments.descriptor(this.#end.segment));
    const next = this.#end.segment + 1;
    this.segments.create(next, false);
    this.#end = { segment: next, offset: this.segments.size(next) };
    this.bell.ring(this.#end);
  }

  /** The newest segment in which the journal begins, as far as `limit`; where none can be read, the oldest there is. */
  #newestBase(limit: Place | null): number {
    const list = this.segments.list().filter((segment) => limit === null || segment <= limit.segment);
    return list.toReversed().find((segment) => this.#isBase(segment)) ?? list[0] ?? 0;
  }

  #isBase(segment: number): boolean {
    const prefix = parsePrefix(this.segments.read(segment, 0, prefixBytes));
    if (prefix === null) return false;
    const header = parseStep(this.segments.read(segment, 0, prefixBytes + prefix.stepBytes + 1), prefix);
    return header !== null && isHeader(header) && header.journal.base;
  }
}
