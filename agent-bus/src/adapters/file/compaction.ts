import { failure, success, type Result } from '@agentcompany/protocol';
import type { DurableStepHook } from '../../bus-options.ts';
import type { Committer } from './committer.ts';
import { Generation } from './generation.ts';
import type { Journal } from './journal.ts';
import { isOpen } from './queue-index.ts';
import { entryFact, snapshotOf } from './snapshot.ts';
import type { State } from './state.ts';
import type { Plan } from './steps.ts';
import { isFull, isMissing } from './storage-error.ts';

/** How long ids outlive their stream (DESIGN §3), in milliseconds. */
const idHorizon = 30 * 24 * 60 * 60 * 1000;
/** A journal smaller than this is not worth writing anew for the sake of spent records alone. Bytes. */
const worthwhile = 4 * 1024 * 1024;
/** What a fact takes in the journal besides its envelope, about. Bytes. */
const factBytes = 300;

export interface CompactionOptions {
  readonly journal: Journal;
  readonly committer: Committer;
  readonly onDurableStep: DurableStepHook;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Takes old streams out of the bus, and what is spent out of the journal. */
export class Compaction {
  readonly #options: CompactionOptions;

  constructor(options: CompactionOptions) {
    this.#options = options;
  }

  /** As `AgentBus.compact`: first the streams go in one step, then the journal is written anew without them where that saves room. */
  async compact(options: {
    readonly closedBefore: number;
    readonly streams: readonly string[];
  }): Promise<Result<{ readonly streams: number; readonly entries: number }>> {
    const { committer, journal, now } = this.#options;
    const dropped = await committer.run('durable', () => drop(journal.state, options, now()));
    if (!dropped.ok) return dropped;
    if (dropped.value.entries > 0 || this.#isWasteful()) {
      const rewritten = await this.#rewrite();
      if (!rewritten.ok) return rewritten;
    }
    return dropped;
  }

  #isWasteful(): boolean {
    const { state, size } = this.#options.journal;
    if (size < worthwhile) return false;
    let needed = 0;
    for (const { location } of state.ledger.after(0, Infinity)) needed += location.bytes + 2 * factBytes;
    return size > 2 * needed;
  }

  /**
   * Copies what counts into a new generation while others go on; what they have written meanwhile is copied behind it under the lock,
   * where the new journal takes the old one's place in one durable step. On a full disk the old one stays.
   */
  async #rewrite(): Promise<Result<undefined>> {
    const { journal, committer } = this.#options;
    const before = { base: journal.base, damages: journal.damages, end: journal.end };
    const snapshot = snapshotOf(journal.state);
    const generation = new Generation(journal.segments);
    let isPublished = false;
    try {
      for (const entry of snapshot.entries) {
        const { segment, offset, bytes } = entry.location;
        const body = bytes === 0 ? Buffer.alloc(0) : journal.segments.read(segment, offset, bytes);
        if (!generation.addEntry(entryFact(entry), body)) continue;
        await new Promise((resolve) => setImmediate(resolve));
        if (committer.refusal !== null) return failure(committer.refusal);
      }
      for (const name of ['deliveries', 'graves', 'leases', 'forgotten'] as const)
        generation.addFacts(name, snapshot[name]);
      generation.addStep({ boot: snapshot.boot, floor: snapshot.lastPosition });
      const switched = await committer.exclusively(() => {
        isPublished = this.#switch(generation, before);
      });
      return switched;
    } catch (thrown) {
      // Full, or another process has compacted meanwhile and taken the old segments away.
      if (isFull(thrown) || isMissing(thrown)) return success();
      throw thrown;
    } finally {
      if (!isPublished) generation.abandon();
    }
  }

  /** False where the journal is another one by now, or damage was met: the next compaction will see to it. */
  #switch(
    generation: Generation,
    before: { readonly base: number; readonly damages: number; readonly end: Journal['end'] },
  ): boolean {
    const { journal, onDurableStep } = this.#options;
    if (journal.base !== before.base || journal.damages !== before.damages) return false;
    for (const segment of journal.segments.list().filter((number) => number >= before.end.segment)) {
      const from = segment === before.end.segment ? before.end.offset : 0;
      generation.copy(
        segment,
        from,
        segment === journal.end.segment ? journal.end.offset : journal.segments.size(segment),
      );
    }
    onDurableStep('bus:before');
    generation.publish(journal.end);
    onDurableStep('bus:after');
    journal.begin();
    return true;
  }
}

/** The step that drops the streams which are older than `closedBefore` and of which nothing waits, is leased or lies among the dead letters. */
function drop(
  state: State,
  options: { readonly closedBefore: number; readonly streams: readonly string[] },
  now: number,
): Plan<{ readonly streams: number; readonly entries: number }> {
  const buried = new Set([...state.graves.values()].map(({ position }) => position));
  const streams = [...new Set(options.streams)].filter((name) => {
    const entries = state.ledger.stream(name, 0);
    const last = entries.at(-1);
    if (last === undefined || last.at >= options.closedBefore) return false;
    return entries.every(({ position }) => !buried.has(position) && !state.deliveriesOf(position).some(isOpen));
  });
  const entries = streams.reduce((total, name) => total + state.ledger.version(name), 0);
  const result = success({ streams: streams.length, entries });
  const isTidy = [...state.forgotten.values()].every(({ until }) => until > now);
  if (streams.length === 0 && isTidy) return { result };
  const dropped = streams.length > 0 ? { dropped: { streams, until: now + idHorizon } } : {};
  return { result, step: { ...dropped, tidied: now } };
}
