import type { Reply } from './link.ts';

/** Deliveries that a sender's step has leased to a consumer of this instance. */
export interface Offer {
  readonly queue: string;
  readonly token: string;
  /** The server's time of the step, in unix milliseconds. */
  readonly at: number;
  /** Their entries, as a flat list. */
  readonly entries: Reply;
}

/** The topic of an offer's consumer. */
export function offerTopic(token: string): string {
  return `:offer ${token}`;
}

export interface OffersOptions {
  /** Wakes the consumer. */
  readonly onOffer: (topic: string) => void;
  /** Nobody waits for it any more. */
  readonly onUnwanted: (offer: Offer) => void;
}

/** Keeps what was offered until the consumer that waits for it takes it. */
export class Offers {
  readonly #options: OffersOptions;
  readonly #expected = new Map<string, Offer[]>();

  constructor(options: OffersOptions) {
    this.#options = options;
  }

  expect(token: string): void {
    this.#expected.set(token, []);
  }

  /** What has come since the last call. */
  take(token: string): readonly Offer[] {
    return this.#expected.get(token)?.splice(0) ?? [];
  }

  /** The consumer is gone; what it has not taken is unwanted. */
  forget(token: string): void {
    const left = this.take(token);
    this.#expected.delete(token);
    for (const offer of left) this.#options.onUnwanted(offer);
  }

  /** Takes in what a script has published. */
  told(text: string): void {
    const [queue, token, at, entries] = JSON.parse(text) as [string, string, string, Reply];
    const offer: Offer = { queue, token, at: Number(at), entries };
    const waiting = this.#expected.get(token);
    if (waiting === undefined) return this.#options.onUnwanted(offer);
    waiting.push(offer);
    this.#options.onOffer(offerTopic(token));
  }
}
