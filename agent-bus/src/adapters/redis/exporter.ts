import { randomUUID } from 'node:crypto';
import { failure, success, type AppError, type BusRecord, type Result } from '@agentcompany/protocol';
import { busErrors } from '../../errors.ts';
import { readEntry } from '../../stored-envelope.ts';
import type { Reply } from './link.ts';
import { stateOf } from './queues.ts';
import {
  exportBeginScript,
  exportDeliveriesScript,
  exportEndScript,
  exportEntriesScript,
  exportRestScript,
} from './scripts/exporting.ts';
import type { Script } from './scripts/script.ts';
import { listAt, type Outcome, type Store, type Value } from './store.ts';
import { entryFields, rowAt } from './stored-entry.ts';

type Records = AsyncGenerator<Result<BusRecord>, boolean, undefined>;

/** Fields of a delivery in an answer. */
const deliveryFields = 7;

/** Reads the whole bus as it was at one moment, while it is in use. */
export class Exporter {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Errors: as `Link.run`, and `AC_BUS_UNCERTAIN` where the copy vanished because nobody read for ten minutes. */
  async *records(): AsyncGenerator<Result<BusRecord>, void, undefined> {
    const id = randomUUID();
    const begun = await this.#store.run(exportBeginScript, [id]);
    if (!begun.ok) return yield begun;
    const [last = 0, now = 0] = begun.value.rest.map(Number);
    let records = 0;
    try {
      for await (const record of this.#all(id, last, now)) {
        yield record;
        if (!record.ok) return;
        records += 1;
      }
      yield success({ kind: 'end', records });
    } finally {
      await this.#store.run(exportEndScript, [id]);
    }
  }

  async *#all(id: string, last: number, now: number): AsyncGenerator<Result<BusRecord>, void, undefined> {
    const exportedAt = new Date(now).toISOString();
    yield success({ kind: 'bus', version: 1, exported_at: exportedAt, last_position: last });
    if (!(yield* this.#entries(id, last))) return;
    if (!(yield* this.#deliveries(id, last))) return;
    yield* this.#rest(id);
  }

  async *#entries(id: string, last: number): Records {
    for (let after = 0; ;) {
      const page = await this.#page(exportEntriesScript, [id, after, last]);
      if (!page.ok) return yield* failed(page.error);
      const told = listAt(page.value.rest, 0);
      if (told.length === 0) return true;
      for (let first = 0; first < told.length; first += entryFields) {
        const row = rowAt(told, first);
        const { stream, seq, position, envelope } = readEntry(row);
        yield success({ kind: 'entry', stream, seq, position, stored_at: row.stored_at, envelope });
        after = position;
      }
    }
  }

  async *#deliveries(id: string, last: number): Records {
    for (let after = 0; ;) {
      const page = await this.#page(exportDeliveriesScript, [id, after, last]);
      if (!page.ok) return yield* failed(page.error);
      if (page.value.rest[0] === '') return true;
      after = Number(page.value.rest[0]);
      const told = listAt(page.value.rest, 1);
      for (let first = 0; first < told.length; first += deliveryFields) yield success(deliveryAt(told, first));
    }
  }

  async *#rest(id: string): Records {
    const page = await this.#page(exportRestScript, [id]);
    if (!page.ok) return yield* failed(page.error);
    const [letters, forgotten, leases] = [0, 1, 2].map((index) => listAt(page.value.rest, index).map(String));
    for (const [letter, value, envelope] of inGroups(letters ?? [], 3))
      yield success(deadLetter(letter, value, envelope));
    for (const [forgottenId, value] of inGroups(forgotten ?? [], 2)) yield success(forgottenRecord(forgottenId, value));
    for (const [name = '', value = ''] of inGroups(leases ?? [], 2))
      yield success({ kind: 'lease', name, epoch: Number(value.split('|')[0]) });
    return true;
  }

  async #page(script: Script, values: readonly Value[]): Promise<Result<Outcome>> {
    const page = await this.#store.run(script, values);
    return page.ok && page.value.word === 'gone' ? failure(busErrors.AC_BUS_UNCERTAIN({}, 'the copy is gone')) : page;
  }
}

async function* failed(error: AppError): Records {
  yield failure(error);
  return false;
}

function* inGroups(list: readonly string[], size: number): Generator<readonly string[]> {
  for (let first = 0; first < list.length; first += size) yield list.slice(first, first + size);
}

/** A lease is not exported: what was leased waits. */
function deliveryAt(told: Reply, first: number): BusRecord {
  const [queue, id, letter, place, due, count, epoch] = told.slice(first, first + deliveryFields);
  const stored = stateOf(letter);
  const state = stored === 'leased' ? 'waiting' : stored;
  return {
    kind: 'delivery',
    queue: String(queue),
    envelope_id: String(id),
    state,
    place: Number(place),
    not_before: state === 'delayed' ? Number(due) : 0,
    count: Number(count),
    epoch: Number(epoch),
  };
}

function deadLetter(id = '', value = '', envelopeId = ''): BusRecord {
  const [queue = '', , count, at, ...error] = value.split('|');
  return {
    kind: 'dead_letter',
    id,
    queue,
    envelope_id: envelopeId,
    count: Number(count),
    error: JSON.parse(error.join('|')) as AppError,
    buried_at: Number(at),
  };
}

function forgottenRecord(id = '', value = ''): BusRecord {
  const [position, seq, digest = '', until, ...stream] = value.split('|');
  return {
    kind: 'forgotten',
    id,
    stream: stream.join('|'),
    seq: Number(seq),
    position: Number(position),
    digest: Buffer.from(digest, 'base64').toString('hex'),
    until: Number(until),
  };
}
