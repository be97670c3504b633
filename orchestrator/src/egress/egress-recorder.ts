import type { EgressFact, Result } from '@agentcompany/protocol';

/** Puts facts on record, durably; all of them or, with an error, perhaps none. */
export type RecordFacts = (facts: readonly EgressFact[]) => Promise<Result<unknown>>;

interface Waiting {
  readonly fact: EgressFact;
  readonly done: (isDurable: boolean) => void;
}

/** Different refusals with a record of their own: a worker that knocks a million times fills no ledger. */
const recordedRefusals = 200;
/** Facts of one step. */
const atOnce = 100;

/** Brings what happens at the way out of one attempt on record: in order, and what comes while a step is written in the next one. */
export class EgressRecorder {
  readonly #record: RecordFacts;
  readonly #waiting: Waiting[] = [];
  #writing: Promise<void> | null = null;
  /** Refusals on record, and how often each came again. */
  readonly #refused = new Map<string, { readonly fact: EgressFact; repeated: number }>();
  /** The last of those that are only counted. */
  #uncounted: EgressFact | null = null;

  constructor(record: RecordFacts) {
    this.#record = record;
  }

  /** True when the fact is durable; false where it could not be put on record, or is only counted: a refusal that came before. */
  note(fact: EgressFact): Promise<boolean> {
    if (fact.event !== 'refused' || fact.sent_bytes + fact.received_bytes > 0) return this.#write(fact);
    const key = JSON.stringify(fact);
    const known = this.#refused.get(key);
    if (known === undefined && this.#refused.size < recordedRefusals) {
      this.#refused.set(key, { fact, repeated: 0 });
      return this.#write(fact);
    }
    if (known === undefined) this.#uncounted = { ...fact, count: (this.#uncounted?.count ?? 0) + 1 };
    else known.repeated += 1;
    return Promise.resolve(false);
  }

  /** Writes what is left, and how often refusals came again; of those beyond all the last stands for the rest. */
  async close(): Promise<void> {
    for (const { fact, repeated } of this.#refused.values())
      if (repeated > 0) void this.#write({ ...fact, count: repeated });
    this.#refused.clear();
    if (this.#uncounted !== null) void this.#write(this.#uncounted);
    this.#uncounted = null;
    await this.#writing;
  }

  #write(fact: EgressFact): Promise<boolean> {
    return new Promise((done) => {
      this.#waiting.push({ fact, done });
      this.#writing ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const step = this.#waiting.splice(0, atOnce);
      const written = await this.#record(step.map(({ fact }) => fact)).catch(() => ({ ok: false }) as const);
      for (const { done } of step) done(written.ok);
    }
    this.#writing = null;
  }
}
