/**
 * Hands on what a worker says of its progress: only what is new, at most one message per `intervalMs`, and always the
 * latest in the end. What comes in between is dropped, so that a worker cannot flood the company's record.
 */
export class ProgressThrottle {
  readonly #intervalMs: number;
  readonly #deliver: (message: string) => void;
  #last = '';
  #pending: string | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(intervalMs: number, deliver: (message: string) => void) {
    this.#intervalMs = intervalMs;
    this.#deliver = deliver;
  }

  push(message: string): void {
    if (message === '' || message === (this.#pending ?? this.#last)) return;
    this.#pending = message;
    if (this.#timer === null) this.#flush();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #flush(): void {
    this.#timer = null;
    if (this.#pending === null) return;
    this.#last = this.#pending;
    this.#pending = null;
    this.#timer = setTimeout(() => this.#flush(), this.#intervalMs);
    this.#deliver(this.#last);
  }
}
