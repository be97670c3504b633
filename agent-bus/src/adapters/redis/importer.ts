import { randomUUID } from 'node:crypto';
import { failure, success, type BusRecord, type Result } from '@agentcompany/protocol';
import { RecordChecker } from '../../check-records.ts';
import { busErrors } from '../../errors.ts';
import { isHolderGone, newLeaseToken } from '../../lease-holder.ts';
import { Draft } from './import-draft.ts';
import { importAbandonScript, importBeginScript, importFinishScript, importWriteScript } from './scripts/importing.ts';
import { listAt, type Outcome, type Store } from './store.ts';

/** After so many bytes of commands they are sent. */
const batchBytes = 4 * 1024 * 1024;

/** Fills an empty bus, all or nothing. */
export class Importer {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Errors: `AC_BUS_NOT_EMPTY`, `AC_BUS_EXPORT_INVALID`, and as `Link.run`. */
  async take(records: AsyncIterable<BusRecord>): Promise<Result<{ readonly entries: number }>> {
    const id = randomUUID();
    const begun = await this.#store.run(importBeginScript, [id, newLeaseToken()]);
    if (!begun.ok) return begun;
    if (begun.value.word === 'full') return this.#notEmpty(begun.value);
    const left = await this.#abandon(abandoned(listAt(begun.value.rest, 0).map(String)));
    let isDone = false;
    try {
      const taken = left.ok ? await this.#takeAll(id, records) : left;
      isDone = taken.ok;
      return taken;
    } finally {
      if (!isDone) await this.#abandon([id]);
    }
  }

  async #takeAll(id: string, records: AsyncIterable<BusRecord>): Promise<Result<{ readonly entries: number }>> {
    const checker = new RecordChecker();
    const draft = new Draft();
    for await (const record of records) {
      const checked = checker.check(record);
      if (!checked.ok) return checked;
      const added = draft.add(checked.value);
      if (!added.ok) return checker.invalid(added.error.message);
      const written = draft.bytes > batchBytes ? await this.#write(id, draft) : success(undefined);
      if (!written.ok) return written;
    }
    const finished = checker.finish();
    if (!finished.ok) return finished;
    draft.end();
    const written = await this.#write(id, draft);
    if (!written.ok) return written;
    const named = await this.#store.run(importFinishScript, [id, draft.last], { durability: 'durable' });
    if (!named.ok) return named;
    if (named.value.word === 'full') return this.#notEmpty(named.value);
    this.#store.saw(draft.last);
    return named.value.word === 'gone' ? failure(busErrors.AC_BUS_UNCERTAIN()) : finished;
  }

  async #write(id: string, draft: Draft): Promise<Result<undefined>> {
    const { batch, values } = draft.takeBatch();
    const written = await this.#store.run(importWriteScript, [id, batch, ...values]);
    if (!written.ok) return written;
    return written.value.word === 'gone' ? failure(busErrors.AC_BUS_UNCERTAIN()) : success(undefined);
  }

  async #abandon(ids: readonly string[]): Promise<Result<undefined>> {
    if (ids.length === 0) return success(undefined);
    const abandonedNow = await this.#store.run(importAbandonScript, [ids.length, ...ids]);
    return abandonedNow.ok ? success(undefined) : abandonedNow;
  }

  #notEmpty({ rest }: Outcome): Result<never> {
    return failure(busErrors.AC_BUS_NOT_EMPTY({ place: this.#store.address, entries: Number(rest[0]) }));
  }
}

/** Of a flat list of id and token, the imports whose process is gone. */
function abandoned(list: readonly string[]): readonly string[] {
  return list.filter((_id, index) => index % 2 === 0 && isHolderGone(list[index + 1] ?? ''));
}
