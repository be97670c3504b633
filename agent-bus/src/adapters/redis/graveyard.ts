import { failure, success, type AppError, type Result } from '@agentcompany/protocol';
import type { DeadLetter } from '../../bus.ts';
import { busErrors } from '../../errors.ts';
import { readEntry } from '../../stored-envelope.ts';
import { deadLettersScript, purgeScript, requeueScript } from './scripts/graveyard.ts';
import type { Script } from './scripts/script.ts';
import { listAt, type Store } from './store.ts';
import { entryFields, rowAt } from './stored-entry.ts';

/** Fields of a dead letter before those of its entry. */
const letterFields = 5;

/** The dead letters. Errors: as `Link.run`. */
export class Graveyard {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async list(): Promise<Result<readonly DeadLetter[]>> {
    const answered = await this.#store.run(deadLettersScript, []);
    if (!answered.ok) return answered;
    const told = listAt(answered.value.rest, 0);
    const all: { readonly letter: DeadLetter; readonly at: number; readonly position: number }[] = [];
    for (let first = 0; first < told.length; first += letterFields + entryFields) {
      const [id, queue, count, error, at] = told.slice(first, first + letterFields);
      const { envelope, position } = readEntry(rowAt(told, first + letterFields));
      const buriedAt = new Date(Number(at)).toISOString();
      const parsed = JSON.parse(String(error)) as AppError;
      const letter = { id: String(id), queue: String(queue), envelope, count: Number(count), error: parsed, buriedAt };
      all.push({ letter, at: Number(at), position });
    }
    return success(
      all.toSorted((left, right) => left.at - right.at || left.position - right.position).map(({ letter }) => letter),
    );
  }

  /** Error: `AC_BUS_UNKNOWN_DEAD_LETTER`. */
  requeue(id: string): Promise<Result<undefined>> {
    return this.#change(requeueScript, id);
  }

  /** Error: `AC_BUS_UNKNOWN_DEAD_LETTER`. */
  purge(id: string): Promise<Result<undefined>> {
    return this.#change(purgeScript, id);
  }

  /** A repetition that finds nothing cannot tell whether its first try took the letter away. */
  async #change(script: Script, id: string): Promise<Result<undefined>> {
    let wasRepeated = false;
    const changed = await this.#store.runTold(
      script,
      (isRepeated) => {
        wasRepeated = isRepeated;
        return [id];
      },
      { durability: 'durable' },
    );
    if (!changed.ok) return changed;
    if (changed.value.word !== 'unknown') return success(undefined);
    return failure(wasRepeated ? busErrors.AC_BUS_UNCERTAIN() : busErrors.AC_BUS_UNKNOWN_DEAD_LETTER({ id }));
  }
}
