import type { AppError, Result } from '@agentcompany/protocol';
import type { SealedWorker } from './sealed-container.ts';

/** Milliseconds after the last change until the pool is filled: what comes at once goes first. */
const quietMs = 200;
/** Milliseconds without any job after which nobody is kept waiting. */
const idleMs = 120_000;
/** Milliseconds until a worker that died while it waited is replaced: one that always dies must not be started without end. */
const replaceMs = 5000;
/** Milliseconds in which a waiting worker must have come up, and answer a ping. */
const readyMs = 10_000;
const answerMs = 2000;

export interface WarmPoolOptions<Shape> {
  /** Workers that wait at most (`warm_workers`); 0: none. */
  readonly size: number;
  /** Workers in all, at work and waiting (`max_workers`; C14). */
  readonly maximum: number;
  /** What two workers must share to stand in for each other. */
  readonly keyOf: (shape: Shape) => string;
  /** Creates and starts a worker without work. */
  readonly open: (shape: Shape) => Promise<Result<SealedWorker>>;
  readonly onFailure: (error: AppError) => void;
  /** Replaces the times above, in tests. */
  readonly times?: { readonly quietMs: number; readonly idleMs: number; readonly replaceMs: number };
}

interface Waiting {
  readonly key: string;
  /** Null: it could not be started. */
  readonly opened: Promise<SealedWorker | null>;
}

/**
 * Workers that are started and have no work yet, one piece of work each. There are as many as the jobs of late ask for: the shape
 * of the last job is kept ready while there is room, and nothing once no job came for a while.
 */
export class WarmPool<Shape> {
  readonly #options: WarmPoolOptions<Shape>;
  readonly #times: NonNullable<WarmPoolOptions<Shape>['times']>;
  /** Of workers whose containers may still be there. */
  readonly #ending = new Set<Promise<void>>();
  #waiting: readonly Waiting[] = [];
  #busy = 0;
  #filling: NodeJS.Timeout | undefined;
  #idling: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: WarmPoolOptions<Shape>) {
    this.#options = options;
    this.#times = options.times ?? { quietMs, idleMs, replaceMs };
  }

  /**
   * A job of this shape begins: a worker that waited for it, alive a moment ago, or null; then there is room for one more. Each
   * call is followed by one of `done`.
   */
  async take(shape: Shape): Promise<SealedWorker | null> {
    this.#busy += 1;
    this.#note(shape);
    const key = this.#options.keyOf(shape);
    for (;;) {
      const found = this.#waiting.find((waiting) => waiting.key === key);
      if (found === undefined) break;
      this.#forget(found);
      const worker = await found.opened;
      if (worker === null) continue;
      if (await isReady(worker)) return worker;
      await worker.dispose();
    }
    await this.#makeRoom(this.#options.maximum - this.#busy);
    await Promise.all(this.#ending);
    return null;
  }

  /** The job has ended and its container is gone. */
  done(shape: Shape): void {
    this.#busy -= 1;
    this.#note(shape);
  }

  /** Ends all that wait, and all that is being ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#filling);
    clearTimeout(this.#idling);
    await this.#makeRoom(0);
    await Promise.all(this.#ending);
  }

  #note(shape: Shape): void {
    if (this.#options.size === 0 || this.#isClosed) return;
    clearTimeout(this.#idling);
    this.#idling = setTimeout(() => void this.#makeRoom(0), this.#times.idleMs).unref();
    this.#fillLater(shape, this.#times.quietMs);
  }

  #fillLater(shape: Shape, afterMs: number): void {
    clearTimeout(this.#filling);
    this.#filling = setTimeout(() => void this.#fill(shape), afterMs).unref();
  }

  async #fill(shape: Shape): Promise<void> {
    const { size, maximum, keyOf } = this.#options;
    const key = keyOf(shape);
    const others = this.#waiting.filter((waiting) => waiting.key !== key);
    const room = Math.min(size, maximum - this.#busy);
    // What waits for the last job is worth more than what waits for one before.
    if (this.#waiting.length >= room && others.length > 0) await this.#end(others.slice(0, 1));
    while (!this.#isClosed && this.#waiting.length < Math.min(size, maximum - this.#busy)) this.#add(key, shape);
  }

  #add(key: string, shape: Shape): void {
    const waiting: Waiting = { key, opened: this.#open(shape) };
    this.#waiting = [...this.#waiting, waiting];
    void waiting.opened.then(async (worker) => {
      await worker?.door.end;
      if (!this.#waiting.includes(waiting)) return;
      await this.#end([waiting]);
      if (worker !== null && !this.#isClosed) this.#fillLater(shape, this.#times.replaceMs);
    });
  }

  async #open(shape: Shape): Promise<SealedWorker | null> {
    const opened = await this.#options.open(shape);
    if (opened.ok) return opened.value;
    this.#options.onFailure(opened.error);
    return null;
  }

  /** Ends as many as are too many for `room`, the oldest first. */
  #makeRoom(room: number): Promise<void> {
    return this.#end(this.#waiting.slice(0, Math.max(0, this.#waiting.length - Math.max(0, room))));
  }

  async #end(waiting: readonly Waiting[]): Promise<void> {
    for (const one of waiting) this.#forget(one);
    const ending = Promise.all(waiting.map(async ({ opened }) => (await opened)?.dispose())).then(() => undefined);
    this.#ending.add(ending);
    await ending.finally(() => this.#ending.delete(ending));
  }

  #forget(waiting: Waiting): void {
    this.#waiting = this.#waiting.filter((one) => one !== waiting);
  }
}

async function isReady({ door }: SealedWorker): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), readyMs);
  const came = await Promise.race([door.waiting.then(() => true), door.end.then(() => false), late.promise]);
  clearTimeout(timer);
  return came && (await door.isAlive(answerMs));
}
