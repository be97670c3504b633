import { join } from 'node:path';
import type { DiskReserve } from '../../disk-reserve.ts';
import type { Place } from './bell.ts';
import { Changes } from './changes.ts';
import type { EnvelopeReader } from './envelope-reader.ts';
import type { Journal } from './journal.ts';
import { Lock } from './lock.ts';
import { ProjectedHistory } from './projected-history.ts';
import { ProjectedQueues } from './projected-queues.ts';
import type { State } from './state.ts';
import { storageError } from './storage-error.ts';

/** How often it looks whether the bus is quiet. Milliseconds. */
const beat = 100;
/** In how many beats a process that does not write asks once whether it may. */
const askEvery = 8;
/** On a bus that is never quiet, after how many beats a small lot is written in each all the same, and its size. */
const patience = 20;
const lot = 24;
/** In how many quiet beats some files are looked at once, in turn, for what people have done to them; and how many of each kind. */
const mendEvery = 5;
const mendedAtOnce = 8;
/** Files that are written at once. */
const width = 8;

export interface ProjectorOptions {
  readonly folder: string;
  readonly journal: Journal;
  readonly envelopes: EnvelopeReader;
  readonly reserve: DiskReserve;
}

/**
 * Writes `queues/` and `history/` behind the journal, for people with `cat` and `jq`; nothing reads them back. One process at a time
 * does so, when the bus is quiet: new files would make the fsyncs of a busy one slower. It holds only what is still to be written.
 */
export class Projector {
  readonly #options: ProjectorOptions;
  readonly #queues: ProjectedQueues;
  readonly #history: ProjectedHistory;
  readonly #timer: NodeJS.Timeout;
  #lock: Lock | null = null;
  #isHolder = false;
  #beats = 0;
  /** The fold to which the files were compared; null until they were. */
  #compared: State | null = null;
  /** Where the journal ended at the last beat. */
  #seen: Place = { segment: 0, offset: 0 };
  #busyBeats = 0;
  #quietBeats = 0;
  #mendAt = 0;
  #working: Promise<void> | null = null;
  #closed = false;

  constructor(options: ProjectorOptions) {
    this.#options = options;
    this.#queues = new ProjectedQueues(options.folder, options.envelopes);
    this.#history = new ProjectedHistory(options.folder, options.envelopes);
    this.#timer = setInterval(() => this.#beat(), beat);
    this.#timer.unref();
  }

  /** Ends at once what it does; resolves when nothing of it is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#working;
    this.#lock?.close();
    this.#lock = null;
  }

  #beat(): void {
    if (this.#working !== null) return;
    this.#working = this.#work()
      .catch((thrown: unknown) => {
        // What people look at may fail to be written; the bus goes on, and the next beat tries again.
        if (!this.#closed && storageError(thrown, this.#options.folder) === null) throw thrown;
      })
      .finally(() => {
        this.#working = null;
      });
  }

  async #work(): Promise<void> {
    const { journal, reserve } = this.#options;
    if (!this.#isOurs() || !reserve.admit().ok) return;
    journal.refresh();
    const isQuiet = this.#isStill();
    this.#seen = journal.end;
    this.#busyBeats = isQuiet ? 0 : this.#busyBeats + 1;
    if (!isQuiet && this.#busyBeats < patience) return;
    const { state } = journal;
    if (this.#compared !== state) await this.#compare(state);
    await this.#drain(state, isQuiet);
    this.#quietBeats = isQuiet ? this.#quietBeats + 1 : 0;
    if (this.#quietBeats % mendEvery === 1) await this.#mend(state);
  }

  /** Whether this process is the one that writes; it stays so until it ends. */
  #isOurs(): boolean {
    if (this.#isHolder) return true;
    this.#beats += 1;
    if (this.#beats % askEvery !== 1) return false;
    this.#lock ??= new Lock(join(this.#options.folder, 'projections.db'), 0);
    this.#isHolder = this.#lock.acquire();
    return this.#isHolder;
  }

  /** After opening, or when the journal was read anew: everything that is open is looked at once. */
  async #compare(state: State): Promise<void> {
    const changes = new Changes();
    state.changes = changes;
    await this.#queues.compare(state);
    await this.#history.compare(state);
    for (const nodes of state.deliveries()) for (const node of nodes) if (!node.isProjected) changes.nodes.add(node);
    for (const name of state.ledger.names()) changes.streams.add(name);
    this.#compared = state;
  }

  /** Writes what is to be written: a lot at least, and on as long as the bus stays quiet. */
  async #drain(state: State, isQuiet: boolean): Promise<void> {
    const changes = state.changes ?? new Changes();
    let written = 0;
    const goesOn = (): boolean => written < lot || (isQuiet && this.#isStill());
    while (changes.size > 0 && this.#mayGoOn(state) && goesOn()) {
      const nodes = firstOf(changes.nodes, width);
      const streams = firstOf(changes.streams, width);
      written += nodes.length + streams.length;
      const writes = [
        ...nodes.map((node) => this.#queues.update(node, state).catch(again(changes.nodes, node))),
        ...streams.map((name) => this.#history.update(name, state).catch(again(changes.streams, name))),
      ];
      await Promise.all(writes);
    }
  }

  async #mend(state: State): Promise<void> {
    const nodes = [...state.queues.values()].flatMap((queue) => queue.open(this.#mendAt, mendedAtOnce));
    const streams = state.ledger.names().slice(this.#mendAt, this.#mendAt + mendedAtOnce);
    this.#mendAt = nodes.length + streams.length === 0 ? 0 : this.#mendAt + mendedAtOnce;
    for (const node of nodes) if (this.#mayGoOn(state)) await this.#queues.mend(node, state);
    for (const name of streams) if (this.#mayGoOn(state)) await this.#history.mend(name, state);
  }

  /** Whether nothing was written since the last beat, by whichever process. */
  #isStill(): boolean {
    const visible = this.#options.journal.bell.read() ?? this.#options.journal.end;
    return visible.segment === this.#seen.segment && visible.offset === this.#seen.offset;
  }

  #mayGoOn(state: State): boolean {
    return !this.#closed && this.#options.journal.state === state;
  }
}

/** Takes the first few out of the set. */
function firstOf<Value>(set: Set<Value>, count: number): readonly Value[] {
  const taken: Value[] = [];
  for (const value of set) {
    if (taken.length === count) break;
    taken.push(value);
    set.delete(value);
  }
  return taken;
}

/** Puts back what failed, and goes on failing. */
function again<Value>(set: Set<Value>, value: Value): (thrown: unknown) => never {
  return (thrown) => {
    set.add(value);
    throw thrown;
  };
}
