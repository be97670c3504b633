import type { Exchange, RecordedExchange } from '../exchange-store.ts';
import { requestDigest } from '../metered-model.ts';
import type { ModelRequest } from '../model.ts';
import { differenceOf, type Difference } from './difference.ts';

/** A request that was never recorded, beside the recorded one that is most like it. */
export interface Miss {
  readonly digest: string;
  /** Null: nothing was recorded. */
  readonly nearest: (Difference & { readonly scope: string }) | null;
}

/** The exchanges of a run, given again by what was asked, whoever asks. The same request asked again gets what came then; the last answer stays. */
export class Recording {
  readonly #exchanges: readonly RecordedExchange[];
  readonly #byDigest: ReadonlyMap<string, readonly RecordedExchange[]>;
  readonly #taken = new Map<string, number>();
  readonly #misses: Miss[] = [];
  #beforeAnswer: (digest: string) => Promise<void> = async () => undefined;

  constructor(exchanges: readonly RecordedExchange[]) {
    this.#exchanges = exchanges;
    this.#byDigest = Map.groupBy(exchanges, ({ key }) => key.digest);
  }

  /** Requests that had no answer, in the order in which they came. */
  get misses(): readonly Miss[] {
    return this.#misses;
  }

  /** How many of the recorded exchanges were asked for. */
  get used(): number {
    return [...this.#taken].reduce(
      (sum, [digest, count]) => sum + Math.min(count, this.#byDigest.get(digest)?.length ?? 0),
      0,
    );
  }

  get size(): number {
    return this.#exchanges.length;
  }

  /** Has `wait` waited for before a request of a digest is answered. */
  beforeAnswer(wait: (digest: string) => Promise<void>): void {
    this.#beforeAnswer = wait;
  }

  /** Null where no such request was recorded, which is noted. */
  async take(request: ModelRequest): Promise<Exchange | null> {
    const digest = requestDigest(request);
    await this.#beforeAnswer(digest);
    const known = this.#byDigest.get(digest) ?? [];
    const count = this.#taken.get(digest) ?? 0;
    const found = known[Math.min(count, known.length - 1)];
    if (found === undefined) {
      this.#misses.push({ digest, nearest: this.#nearest(request) });
      return null;
    }
    this.#taken.set(digest, count + 1);
    return found.exchange;
  }

  /** The recorded request that goes the same way longest. */
  #nearest(request: ModelRequest): Miss['nearest'] {
    let best: Miss['nearest'] = null;
    for (const { key, exchange } of this.#exchanges) {
      const difference = differenceOf(exchange.request, request);
      if (difference !== null && (best === null || difference.same > best.same))
        best = { ...difference, scope: key.scope };
    }
    return best;
  }
}
