import type { Act, RecordedActs } from './recorded-acts.ts';

/** What became of an act: `taken`; the code of what kept it from being taken; null: its moment did not come. */
export type ActOutcome = string | null;

/**
 * Does again what people did, each act once all that came before it the first time has come again, and lets what came after it wait for
 * it. Where the run has left its course (`giveUp`) nothing waits any more, and what is left is done at once, as far as it fits.
 */
export class ActsAgain {
  readonly #recorded: RecordedActs;
  readonly #perform: (act: Act) => Promise<string>;
  readonly #come = new Set<string>();
  readonly #outcomes = new Map<Act, string>();
  readonly #held = new Map<string, string>();
  readonly #waiting = new Set<() => void>();
  #isGivenUp = false;
  #performing: Promise<void> = Promise.resolve();

  /** `perform` gives `taken`, or the code of what keeps the act from being taken. */
  constructor(recorded: RecordedActs, perform: (act: Act) => Promise<string>) {
    this.#recorded = recorded;
    this.#perform = perform;
  }

  /** How many acts have an outcome. */
  get done(): number {
    return this.#outcomes.size;
  }

  get outcomes(): readonly { readonly act: Act; readonly outcome: ActOutcome }[] {
    return this.#recorded.acts.map((act) => ({ act, outcome: this.#outcomes.get(act) ?? null }));
  }

  /** Whether nothing is left to be done before this place among the recorded entries. */
  isDoneBefore(at: number): boolean {
    return this.#left().every((act) => act.at > at);
  }

  /** Whether a step has to wait for a person who acted before it the first time. */
  holds(key: string): boolean {
    const place = this.#recorded.places.get(key);
    if (this.#isGivenUp || place === undefined) return false;
    return this.#left().some(({ at, taskId }) => at < place.at && (taskId === null || taskId === place.mark.taskId));
  }

  /** Whether the agent of this task waits for an answer of its model until a person has acted. */
  holdsAnswerOf(taskId: string): boolean {
    return [...this.#held.values()].includes(taskId);
  }

  /** Takes a mark of the new course; resolves when all that was due with it is done. */
  see(key: string): Promise<void> {
    this.#come.add(key);
    return this.#step();
  }

  /** Before a model answers the request of this digest: resolves when what came during that answer is done. */
  async asked(digest: string): Promise<void> {
    const during = this.#recorded.acts.filter((act) => act.asked === digest);
    if (during.length === 0) return;
    this.#held.set(digest, during[0]?.taskId ?? '');
    await this.see(askedKey(digest));
    while (!this.#isGivenUp && during.some((act) => !this.#outcomes.has(act)))
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    this.#held.delete(digest);
  }

  /** The run has left its course: nothing waits any more. */
  giveUp(): Promise<void> {
    this.#isGivenUp = true;
    return this.#step();
  }

  #left(): readonly Act[] {
    return this.#recorded.acts.filter((act) => !this.#outcomes.has(act));
  }

  #step(): Promise<void> {
    this.#performing = this.#performing.then(async () => {
      for (let due = this.#due(); due !== undefined; due = this.#due())
        this.#outcomes.set(due, await this.#perform(due));
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
    });
    return this.#performing;
  }

  #due(): Act | undefined {
    const left = this.#left();
    return this.#isGivenUp ? left[0] : left.find((act) => this.#isDue(act, left));
  }

  /** A note is its task's matter alone; what changes the run comes after all that was done before. */
  #isDue(act: Act, left: readonly Act[]): boolean {
    if (act.asked !== null && !this.#come.has(askedKey(act.asked))) return false;
    const isFirst = left.every((other) => other.at >= act.at || (act.kind === 'note' && other.kind === 'note'));
    if (!isFirst) return false;
    return [...this.#recorded.places].every(
      ([key, { mark, at }]) =>
        at >= act.at ||
        this.#come.has(key) ||
        (act.taskId !== null && mark.taskId !== null && mark.taskId !== act.taskId),
    );
  }
}

function askedKey(digest: string): string {
  return `asked ${digest}`;
}
