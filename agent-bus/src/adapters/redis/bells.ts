import type { Redis } from 'ioredis';

/** The topic of all who wait for new entries; other topics are names of queues, which have no colon. */
export const entriesTopic = ':entries';
/** How long to trust the bells alone, in milliseconds: they are lost only with their connection, whose return wakes everybody. */
const recheck = 5000;
/** How often a connection on which nothing is said must show that it stands, in milliseconds. */
const heartbeat = 5000;

/** `rung`: what was waited for has happened; `unsure`: it may have happened. */
export type Woken = 'rung' | 'unsure';

/**
 * Wakes those that wait for a queue or for new entries, without polling: every step that others may wait for publishes what it touched,
 * and a connection of its own listens.
 */
export class Bells {
  readonly #client: Redis;
  readonly #channels: readonly [bell: string, own: string];
  readonly #waiters = new Map<string, Set<(how: Woken) => void>>();
  readonly #pulse: NodeJS.Timeout;
  #generation = 0;
  /** The generation at which something may have been missed last. */
  #missed = -1;
  #isClosed = false;

  /** `prefix`: that of the store's channels; `instance`: the name under which this one is told what is for it alone, by `onTold`. */
  constructor(client: Redis, prefix: string, instance: string, onTold: (text: string) => void) {
    this.#client = client;
    this.#channels = [`${prefix}bell`, `${prefix}to:${instance}`];
    // What goes wrong here shows on the other connection as well; this one comes back by itself.
    client.on('error', () => undefined);
    client.on('message', (channel: string, text: string) => {
      if (channel === this.#channels[1]) onTold(text);
      else this.ring(text.split(' '));
    });
    client.on('ready', () => void this.#listen());
    this.#pulse = setInterval(() => void client.ping().catch(() => undefined), heartbeat);
    this.#pulse.unref();
    client.connect().catch(() => undefined);
  }

  /** Grows with every wake-up: taken before looking, it tells `wait` whether something came since. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * Resolves when one of `topics` is rung (`rung`), or after `milliseconds` (at most one re-check later), on abort, and when a bell may have
   * been missed (`unsure`); at once if `seen` is no longer the generation.
   */
  wait(topics: readonly string[], seen: number, milliseconds: number, signal: AbortSignal | undefined): Promise<Woken> {
    if (this.#isClosed || signal?.aborted === true) return Promise.resolve('unsure');
    if (this.#generation !== seen) return Promise.resolve(this.#missed >= seen ? 'unsure' : 'rung');
    return new Promise((resolve) => {
      const wake = (how: Woken): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        for (const topic of topics) this.#remove(topic, wake);
        resolve(how);
      };
      const abort = (): void => wake('unsure');
      const timer = setTimeout(abort, Math.max(1, Math.min(milliseconds, recheck)));
      signal?.addEventListener('abort', abort, { once: true });
      for (const topic of topics) this.#waiters.set(topic, (this.#waiters.get(topic) ?? new Set()).add(wake));
    });
  }

  /** Wakes those that wait for `topics`. */
  ring(topics: readonly string[]): void {
    this.#generation += 1;
    for (const topic of topics) this.#wake(topic, 'rung');
  }

  /** Wakes everybody: something may have been missed. */
  wakeAll(): void {
    this.#missed = this.#generation;
    this.#generation += 1;
    for (const topic of Array.from(this.#waiters.keys())) this.#wake(topic, 'unsure');
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#pulse);
    this.#client.disconnect();
    this.wakeAll();
  }

  async #listen(): Promise<void> {
    await this.#client.subscribe(...this.#channels).catch(() => undefined);
    this.wakeAll();
  }

  #wake(topic: string, how: Woken): void {
    for (const wake of Array.from(this.#waiters.get(topic) ?? [])) wake(how);
  }

  #remove(topic: string, wake: (how: Woken) => void): void {
    const waiters = this.#waiters.get(topic);
    waiters?.delete(wake);
    if (waiters?.size === 0) this.#waiters.delete(topic);
  }
}
