/** Which sign of life failed to come: any data at all, or the worker's own beat. */
export type MissingSign = 'data' | 'beat';

export interface LivenessOptions {
  readonly silentMs: number;
  readonly stuckMs: number;
  readonly onMissing: (sign: MissingSign) => void;
}

/**
 * Watches one worker: `data` on every byte, `beat` on every beat; calls `onMissing` once, by the monotonic clock.
 * No beat is missed before the first: a worker that waits for its work has nothing to tell.
 */
export class Liveness {
  readonly #options: LivenessOptions;
  readonly #timer: NodeJS.Timeout;
  #lastData = performance.now();
  #lastBeat = Infinity;

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#check(), Math.min(options.silentMs, options.stuckMs) / 6);
  }

  data(): void {
    this.#lastData = performance.now();
  }

  beat(): void {
    this.#lastBeat = performance.now();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const now = performance.now();
    const isSilent = now - this.#lastData > this.#options.silentMs;
    const isStuck = now - this.#lastBeat > this.#options.stuckMs;
    if (!isSilent && !isStuck) return;
    this.stop();
    this.#options.onMissing(isSilent ? 'data' : 'beat');
  }
}
