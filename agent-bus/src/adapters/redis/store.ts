import { success, type Result } from '@agentcompany/protocol';
import type { Link, Reply, RunOptions } from './link.ts';
import type { Script } from './scripts/script.ts';

export type Value = string | number;

/** What a script answered: its first word and the rest. */
export interface Outcome {
  readonly word: string;
  readonly rest: Reply;
}

export interface StoreOptions {
  readonly link: Pick<Link, 'run'>;
  /** For messages. */
  readonly address: string;
  /** Unix milliseconds instead of the server's own time; absent outside of tests. */
  readonly now: (() => number) | undefined;
}

/** The scripts on the server, each called with its time and its arguments. */
export class Store {
  readonly #options: StoreOptions;
  #highest = 0;

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  get address(): string {
    return this.#options.address;
  }

  /** The highest position that the server has told of. */
  get highest(): number {
    return this.#highest;
  }

  /** This machine's time, or the injected one; unix milliseconds. */
  now(): number {
    return this.#options.now?.() ?? Date.now();
  }

  saw(position: unknown): void {
    this.#highest = Math.max(this.#highest, Number(position) || 0);
  }

  /** A script whose repetition needs no care. Errors: as `Link.run`. */
  run(script: Script, values: readonly Value[], options: RunOptions = {}): Promise<Result<Outcome>> {
    return this.runTold(script, () => values, options);
  }

  /** A script that wants to know whether the same call may have been done before. Errors: as `Link.run`. */
  async runTold(
    script: Script,
    valuesOf: (isRepeated: boolean) => readonly Value[],
    options: RunOptions = {},
  ): Promise<Result<Outcome>> {
    const time = this.#options.now === undefined ? '' : String(Math.floor(this.#options.now()));
    const answered = await this.#options.link.run(script, (isRepeated) => [time, ...valuesOf(isRepeated)], options);
    if (!answered.ok) return answered;
    const [word, ...rest] = answered.value;
    return success({ word: String(word), rest });
  }
}

/** The list at `index` of an answer. */
export function listAt(reply: Reply, index: number): Reply {
  const list = reply[index];
  return Array.isArray(list) ? list : [];
}
