import { closeSync, constants, futimesSync, openSync, watch, writeSync, type FSWatcher } from 'node:fs';

/** The topic of all who wait for new entries; other topics are names of queues, which have no colon. */
export const entriesTopic = ':entries';
/** How long to trust the bell alone: a process killed between commit and ringing is noticed this much later. Milliseconds. */
const recheck = 1000;

/** Its one byte is written again and again: to set its times instead would put an entry into the file system's journal each time, for which the next fsync of the log waits. */
const stroke = Buffer.from('!');

/**
 * Wakes those that wait for a queue or for new entries, without polling. Inside the process: at commit. From other processes: every
 * commit changes the bell file, which is watched while somebody waits; the log itself changes too early, before its step is visible.
 */
export class Wakeups {
  readonly #waiters = new Map<string, Set<() => void>>();
  readonly #marked = new Set<string>();
  readonly #bell: number | null;
  readonly #bellFile: string;
  readonly #changedElsewhere: () => boolean;
  #watcher: FSWatcher | null = null;
  #generation = 0;
  #closed = false;

  /** `changedElsewhere` tells whether another connection has committed since it was last asked. `isTouched`: false where the store itself writes the bell file at each commit. */
  constructor(bellFile: string, changedElsewhere: () => boolean, isTouched = true) {
    this.#bell = isTouched ? openSync(bellFile, constants.O_RDWR | constants.O_CREAT, 0o600) : null;
    this.#bellFile = bellFile;
    this.#changedElsewhere = changedElsewhere;
  }

  /** Grows with every wake-up: taken before looking, it tells `wait` whether something came since. */
  get generation(): number {
    return this.#generation;
  }

  /** Notes, inside a transaction, what its commit will wake. */
  mark(topic: string): void {
    this.#marked.add(topic);
  }

  /**
   * Called before a step that marked something is made durable: those that wait in other processes find nothing yet, but their processes
   * are up when it is there. To be woken from idleness takes about as long as an fsync.
   */
  announce(): void {
    if (this.#marked.size > 0 && !this.#closed) this.#touchBell();
  }

  /** Wakes what was marked; called when the step is visible. */
  ring(): void {
    if (this.#marked.size === 0 || this.#closed) return;
    const marked = [...this.#marked];
    this.#marked.clear();
    this.#touchBell();
    this.#generation += 1;
    for (const topic of marked) this.#wake(topic);
  }

  /** Wakes everyone, in other processes too. */
  ringForAll(): void {
    this.mark(entriesTopic);
    this.ring();
    this.wakeAll();
  }

  wakeAll(): void {
    this.#generation += 1;
    for (const topic of Array.from(this.#waiters.keys())) this.#wake(topic);
  }

  /** Resolves when `topic` is woken, after `milliseconds` (at most one re-check later), or on abort; at once if `seen` is no longer the generation. */
  wait(topic: string, seen: number, milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    if (!this.#closed && this.#watcher === null) this.#startWatching();
    if (this.#closed || this.#generation !== seen || signal?.aborted === true) return Promise.resolve();
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
    if (this.#closed) return;
    this.#closed = true;
    this.#stopWatching();
    if (this.#bell !== null) closeSync(this.#bell);
    this.wakeAll();
  }

  /** What came after the caller looked and before the watch began is asked for. */
  #startWatching(): void {
    this.#watcher = watchFile(this.#bellFile, {
      onChange: () => this.#onBell(),
      onError: () => this.#stopWatching(),
    });
    if (this.#changedElsewhere()) this.wakeAll();
  }

  /** Own commits ring too: where nobody waits the watch ends, for each event costs a busy sender more than its commit's bookkeeping. */
  #onBell(): void {
    if (this.#closed) return;
    if (this.#waiters.size === 0) this.#stopWatching();
    else if (this.#changedElsewhere()) this.wakeAll();
  }

  #touchBell(): void {
    if (this.#bell === null) return;
    try {
      writeSync(this.#bell, stroke, 0, 1, 0);
    } catch {
      // A bell that is still empty on a full disk.
      const now = Date.now() / 1000;
      futimesSync(this.#bell, now, now);
    }
  }

  #stopWatching(): void {
    this.#watcher?.close();
    this.#watcher = null;
  }

  #wake(topic: string): void {
    for (const wake of Array.from(this.#waiters.get(topic) ?? [])) wake();
  }
}

/** A system without watches left serves by the re-check alone. */
function watchFile(
  file: string,
  { onChange, onError }: { readonly onChange: () => void; readonly onError: () => void },
): FSWatcher | null {
  try {
    return watch(file, { persistent: false }, onChange).on('error', onError);
  } catch {
    return null;
  }
}
