import { setTimeout as delay } from 'node:timers/promises';
import { failure, success, type AppError, type Result } from '@agentcompany/protocol';
import type { Redis } from 'ioredis';
import { busErrors } from '../../errors.ts';
import type { DurableStepHook } from '../../bus-options.ts';
import { kindOf } from './reply-error.ts';
import { allScripts } from './scripts/all.ts';
import type { Script } from './scripts/script.ts';

/** An answer of a script: texts, numbers and lists of them. */
export type Reply = readonly unknown[];

interface Call {
  readonly script: Script;
  readonly values: readonly (string | number)[];
  readonly resolve: (reply: Reply) => void;
  readonly reject: (thrown: unknown) => void;
}

export interface LinkOptions {
  readonly client: Redis;
  /** For messages. */
  readonly address: string;
  /** The hash whose key stands for all keys of the store. */
  readonly key: string;
  /** How long a call waits for a server that is away, in milliseconds. */
  readonly patience: number;
  /** Looks at the server after each connect; what it fails with may pass (`retry: later`) or ends the bus. */
  readonly check: () => Promise<Result<undefined>>;
  readonly onDurableStep: DurableStepHook;
  /** Called when a connection stands and was checked. */
  readonly onUsable: () => void;
  readonly onFatal: (error: AppError) => void;
}

export interface RunOptions {
  readonly durability?: 'durable' | 'volatile';
  /** Waits longer than the others for a server that is away: until this `performance.now()`. */
  readonly until?: number;
  readonly signal?: AbortSignal | undefined;
}

/** The time that a server which is not ready yet is given before it is asked again, in milliseconds. */
const unreadyPause = 50;
/** How long a closing bus waits for what is under way, in milliseconds. */
const lastAnswers = 2000;

/**
 * Runs scripts on the server. The calls of one turn of the event loop go out together, so that one fsync serves them all. A call whose
 * answer was lost is sent again: every script finds what it did before.
 */
export class Link {
  readonly #options: LinkOptions;
  #waiting: Call[] = [];
  #isUsable = false;
  #refusal: AppError | null = null;
  /** Why the server cannot be used at present. */
  #reason = 'it was not reached yet';
  readonly #watchers = new Set<() => void>();
  /** Calls that were sent and not answered. */
  readonly #sent = new Set<Promise<unknown>>();

  constructor(options: LinkOptions) {
    this.#options = options;
    const { client } = options;
    client.on('error', (thrown: unknown) => this.#note(thrown));
    client.on('ready', () => void this.#verify());
    client.on('close', () => {
      this.#isUsable = false;
    });
  }

  /** Resolves when the first connection was checked; fails with what ends the bus, or with `AC_BUS_AWAY` when patience is at its end. */
  async open(): Promise<Result<undefined>> {
    this.#options.client.connect().catch((thrown: unknown) => this.#note(thrown));
    return this.#usable(performance.now() + this.#options.patience, undefined);
  }

  /**
   * The answer of `script`. `argumentsOf` is told whether the call may have been done before. Errors: `AC_BUS_AWAY` (nothing was done),
   * `AC_BUS_UNCERTAIN`, `AC_BUS_SERVER_FULL`, `AC_BUS_LOGIN`, `AC_BUS_CORRUPT`, and what the bus was closed with.
   */
  async run(
    script: Script,
    argumentsOf: (isRepeated: boolean) => readonly (string | number)[],
    options: RunOptions = {},
  ): Promise<Result<Reply>> {
    const deadline = Math.max(performance.now() + this.#options.patience, options.until ?? 0);
    const isDurable = options.durability === 'durable';
    if (isDurable && this.#refusal === null) this.#options.onDurableStep('bus:before');
    for (let isRepeated = false; ;) {
      const usable = await this.#usable(deadline, options.signal);
      if (!usable.ok) return isRepeated ? failure(busErrors.AC_BUS_UNCERTAIN({}, usable.error)) : usable;
      try {
        const reply = await this.#submit(script, argumentsOf(isRepeated));
        if (isDurable) this.#options.onDurableStep('bus:after');
        return success(reply);
      } catch (thrown) {
        const kind = kindOf(thrown);
        const error = this.#errorOf(kind, thrown);
        if (error !== null) return failure(error);
        isRepeated ||= kind === 'lost';
        if (kind === 'no script') await this.#load(script);
        if (kind !== 'unready') continue;
        await this.#waitUnready(thrown);
        if (this.#isUsable && performance.now() > deadline) return this.#away(isRepeated);
      }
    }
  }

  /** Takes nothing more; waits a little for the answers that are due, then gives the connection back. */
  async close(refusal: AppError): Promise<void> {
    if (this.#refusal !== null) return;
    this.#refusal = refusal;
    this.#tellWatchers();
    await Promise.race([Promise.allSettled(this.#sent), delay(lastAnswers, undefined, { ref: false })]);
    const { client } = this.#options;
    const stands = ['connecting', 'connect', 'ready'].includes(client.status);
    const ended = new Promise((resolve) => client.once('end', resolve));
    client.disconnect();
    if (stands) await Promise.race([ended, delay(lastAnswers, undefined, { ref: false })]);
  }

  #note(thrown: unknown): void {
    this.#reason = thrown instanceof Error && thrown.message !== '' ? thrown.message : String(thrown);
    if (kindOf(thrown) === 'login') this.#fail(this.#login(thrown));
  }

  #away(wasSent: boolean): Result<never> {
    const away = busErrors.AC_BUS_AWAY({ address: this.#options.address, reason: this.#reason });
    return failure(wasSent ? busErrors.AC_BUS_UNCERTAIN({}, away) : away);
  }

  #login(thrown: unknown): AppError {
    return busErrors.AC_BUS_LOGIN({ address: this.#options.address, reason: firstWord(thrown) });
  }

  #errorOf(kind: ReturnType<typeof kindOf>, thrown: unknown): AppError | null {
    const { address } = this.#options;
    if (kind === 'full') return busErrors.AC_BUS_SERVER_FULL({ address, reason: messageOf(thrown) });
    if (kind === 'login') return this.#login(thrown);
    if (kind === 'damaged') return busErrors.AC_BUS_CORRUPT({ file: `the bus on ${address}` }, thrown);
    if (kind === 'bug') throw thrown;
    return null;
  }

  async #verify(): Promise<void> {
    try {
      const checked = await this.#options.check();
      if (checked.ok) await this.#loadAll();
      if (this.#options.client.status !== 'ready' || this.#refusal !== null) return;
      if (checked.ok) return this.#becomeUsable();
      if (checked.error.retry === 'never') return this.#fail(checked.error);
      this.#reason = checked.error.message;
      this.#reconnect();
    } catch (thrown) {
      this.#note(thrown);
      if (kindOf(thrown) === 'bug') throw thrown;
      this.#reconnect();
    }
  }

  /** The server under this address may be another one by now. */
  #reconnect(): void {
    if (this.#refusal === null) this.#options.client.disconnect(true);
  }

  #becomeUsable(): void {
    this.#isUsable = true;
    this.#tellWatchers();
    this.#options.onUsable();
  }

  #fail(error: AppError): void {
    if (this.#refusal === null) this.#options.onFatal(error);
  }

  #tellWatchers(): void {
    for (const tell of Array.from(this.#watchers)) tell();
  }

  async #usable(deadline: number, signal: AbortSignal | undefined): Promise<Result<undefined>> {
    while (!this.#isUsable && this.#refusal === null) {
      const left = deadline - performance.now();
      if (left <= 0 || signal?.aborted === true) {
        return this.#away(false);
      }
      await this.#change(left, signal);
    }
    return this.#refusal === null ? success(undefined) : failure(this.#refusal);
  }

  #change(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const tell = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', tell);
        this.#watchers.delete(tell);
        resolve();
      };
      const timer = setTimeout(tell, milliseconds);
      signal?.addEventListener('abort', tell, { once: true });
      this.#watchers.add(tell);
    });
  }

  async #waitUnready(thrown: unknown): Promise<void> {
    this.#reason = messageOf(thrown);
    // A replica will not take writes: whoever is the primary now is found by connecting anew.
    if (this.#reason.includes('READONLY')) {
      this.#isUsable = false;
      this.#reconnect();
    } else await delay(unreadyPause);
  }

  async #loadAll(): Promise<void> {
    const pipeline = this.#options.client.pipeline();
    for (const { source } of allScripts) pipeline.script('LOAD', source);
    await pipeline.exec();
  }

  /** Someone has emptied the server's cache of scripts. */
  async #load(script: Script): Promise<void> {
    await this.#options.client.script('LOAD', script.source).catch((thrown: unknown) => this.#note(thrown));
  }

  async #submit(script: Script, values: readonly (string | number)[]): Promise<Reply> {
    const answer = new Promise<Reply>((resolve, reject) => {
      this.#waiting.push({ script, values, resolve, reject });
      if (this.#waiting.length === 1) setImmediate(() => void this.#flush());
    });
    this.#sent.add(answer);
    try {
      return await answer;
    } finally {
      this.#sent.delete(answer);
    }
  }

  async #flush(): Promise<void> {
    const calls = this.#waiting;
    this.#waiting = [];
    const pipeline = this.#options.client.pipeline();
    for (const { script, values } of calls) pipeline.evalsha(script.sha, 1, this.#options.key, ...values);
    const outcomes = await pipeline.exec().catch((thrown: unknown) => calls.map(() => [thrown, null] as const));
    for (const [index, call] of calls.entries()) {
      const [thrown, reply] = outcomes?.[index] ?? [new Error('the connection gave no answer'), null];
      if (thrown === null || thrown === undefined) call.resolve(reply as Reply);
      else call.reject(thrown);
    }
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message.slice(0, 200) : String(thrown);
}

/** The server's word for it; the rest of such an answer may repeat what was sent. */
function firstWord(thrown: unknown): string {
  return messageOf(thrown).split(' ')[0] ?? '';
}
