import type { EgressFact, Result } from '@agentcompany/protocol';

/** Puts facts on record, durably; all of them or, with an error, perhaps none. */
export type RecordFacts = (facts: readonly EgressFact[]) => Promise<Result<unknown>>;

interface Waiting {
  readonly fact: EgressFact;
  readonly done: (isDurable: boolean) => void;
}

/** Of refusals, so many have a record of their own: a worker that knocks a million times fills no ledger. */
const recordedRefusals = 200;
/** Facts of one step. */
const atOnce = 100;

/** Brings what happens at the way out of one attempt on record: in order, and what comes while a step is written in the next one. */
export class EgressRecorder {
  readonly #record: RecordFacts;
  readonly #waiting: Waiting[] = [];
  #writing: Promise<void> | null = null;
  #refusals = 0;
  #unrecorded: EgressFact | null = null;

  constructor(record: RecordFacts) {
    this.#record = record;
  }

  /** True when the fact is durable; false where it could not be put on record, or is only counted. */
  note(fact: EgressFact): Promise<boolean> {
    if (fact.event === 'refused') {
      this.#refusals += 1;
      if (this.#refusals > recordedRefusals) {
        this.#unrecorded = { ...fact, count: (this.#unrecorded?.count ?? 0) + 1 };
        return Promise.resolve(false);
      }
    }
    return this.#write(fact);
  }

  /** Writes what is left, and how many refusals have no record of their own: the last of them stands for all. */
  async close(): Promise<void> {
    if (this.#unrecorded !== null) await this.#write(this.#unrecorded);
    this.#unrecorded = null;
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
