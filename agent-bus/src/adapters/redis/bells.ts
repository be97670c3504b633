import type { Redis } from 'ioredis';

/** The topic of all who wait for new entries; other topics are names of queues, which have no colon. */
export const entriesTopic = ':entries';
/** How long to trust the bells alone, in milliseconds: they are lost only with their connection, whose return wakes everybody. */
const recheck = 5000;
/** How often a connection on which nothing is said must show that it stands, in milliseconds. */
const heartbeat = 5000;

/**
 * Wakes those that wait for a queue or for new entries, without polling: every step that others may wait for publishes what it touched,
 * and a connection of its own listens.
 */
export class Bells {
  readonly #client: Redis;
  readonly #waiters = new Map<string, Set<() => void>>();
  readonly #pulse: NodeJS.Timeout;
  #generation = 0;
  #isClosed = false;

  constructor(client: Redis, channel: string) {
    this.#client = client;
    // What goes wrong here shows on the other connection as well; this one comes back by itself.
    client.on('error', () => undefined);
    client.on('message', (_channel: string, topics: string) => this.#ring(topics.split(' ')));
    client.on('ready', () => void this.#listen(channel));
    this.#pulse = setInterval(() => void client.ping().catch(() => undefined), heartbeat);
    this.#pulse.unref();
    client.connect().catch(() => undefined);
  }

  /** Grows with every wake-up: taken before looking, it tells `wait` whether something came since. */
  get generation(): number {
    return this.#generation;
  }

  wakeAll(): void {
    this.#ring(Array.from(this.#waiters.keys()));
  }

  /** Resolves when `topic` is woken, after `milliseconds` (at most one re-check later), or on abort; at once if `seen` is no longer the generation. */
  wait(topic: string, seen: number, milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#isClosed || this.#generation !== seen || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const waiters = this.#waiters.get(topic) ?? new Set();
      this.#waiters.set(topic, waiters);
      const wake = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        waiters.delete(wake);
        if (waiters.size === 0 && this.#waiters.get(topic) === waiters) this.#waiters.delete(topic);
        resolve();
      };
      const timer = setTimeout(wake, Math.max(1, Math.min(milliseconds, recheck)));
      signal?.addEventListener('abort', wake, { once: true });
      waiters.add(wake);
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#pulse);
    this.#client.disconnect();
    this.wakeAll();
  }

  async #listen(channel: string): Promise<void> {
    await this.#client.subscribe(channel).catch(() => undefined);
    this.wakeAll();
  }

  #ring(topics: readonly string[]): void {
    this.#generation += 1;
    for (const topic of topics) for (const wake of Array.from(this.#waiters.get(topic) ?? [])) wake();
  }
}
