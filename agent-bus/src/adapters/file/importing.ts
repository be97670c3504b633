import { crc32 } from 'node:zlib';
import { failure, success, type BusRecord, type Result } from '@agentcompany/protocol';
import type { DurableStepHook } from '../../bus-options.ts';
import { RecordChecker } from '../../check-records.ts';
import { busErrors } from '../../errors.ts';
import { prepareItems } from '../../outgoing.ts';
import type { Committer } from './committer.ts';
import { Generation } from './generation.ts';
import type { Journal } from './journal.ts';
import type { State } from './state.ts';
import type { DeliveryFact, ForgottenFact, GraveFact, LeaseFact } from './step.ts';

export interface ImportingOptions {
  readonly folder: string;
  readonly journal: Journal;
  readonly committer: Committer;
  readonly onDurableStep: DurableStepHook;
}

/** Fills an empty bus: the export becomes a new generation of the journal, which counts from the one step in which it is published. */
export class Importing {
  readonly #options: ImportingOptions;

  constructor(options: ImportingOptions) {
    this.#options = options;
  }

  /** As `AgentBus.importRecords`. */
  async importRecords(records: AsyncIterable<BusRecord>): Promise<Result<{ readonly entries: number }>> {
    const { journal, committer, onDurableStep, folder } = this.#options;
    const ready = await committer.exclusively(() => undefined);
    if (!ready.ok) return ready;
    const { state } = journal;
    if (!isEmpty(state)) return failure(busErrors.AC_BUS_NOT_EMPTY({ place: folder, entries: state.ledger.size }));
    const generation = new Generation(journal.segments);
    let isPublished = false;
    try {
      const written = await writeRecords(generation, records);
      if (!written.ok) return written;
      const switched = await committer.exclusively(() => {
        if (!isEmpty(journal.state)) return;
        onDurableStep('bus:before');
        generation.publish(journal.end);
        isPublished = true;
        onDurableStep('bus:after');
        journal.begin();
      });
      if (!switched.ok) return switched;
      if (!isPublished)
        return failure(busErrors.AC_BUS_NOT_EMPTY({ place: folder, entries: journal.state.ledger.size }));
      return written;
    } finally {
      if (!isPublished) generation.abandon();
    }
  }
}

function isEmpty(state: State): boolean {
  return state.ledger.lastPosition === 0 && state.forgotten.size === 0;
}

/** What follows the envelopes, and where each of them stands. */
class Facts {
  readonly positions = new Map<string, number>();
  readonly deliveries: DeliveryFact[] = [];
  readonly graves: GraveFact[] = [];
  readonly forgotten: ForgottenFact[] = [];
  readonly leases: LeaseFact[] = [];
  floor = 0;
}

async function writeRecords(
  generation: Generation,
  records: AsyncIterable<BusRecord>,
): Promise<Result<{ readonly entries: number }>> {
  const checker = new RecordChecker();
  const facts = new Facts();
  for await (const given of records) {
    const record = checker.check(given);
    if (!record.ok) return record;
    if (record.value.kind === 'entry') {
      const problem = addEntry(generation, facts, record.value);
      if (problem !== null) return checker.invalid(problem);
    } else addFact(facts, record.value);
  }
  const finished = checker.finish();
  if (!finished.ok) return finished;
  for (const name of ['deliveries', 'graves', 'forgotten', 'leases'] as const) generation.addFacts(name, facts[name]);
  generation.addStep({ floor: facts.floor });
  return success(finished.value);
}

/** What is wrong with the envelope, null for nothing. */
function addEntry(
  generation: Generation,
  facts: Facts,
  record: Extract<BusRecord, { readonly kind: 'entry' }>,
): string | null {
  const prepared = prepareItems([{ envelope: record.envelope, queue: null }]);
  if (!prepared.ok) return prepared.error.message;
  const { stream, seq, position, stored_at: at, envelope } = record;
  facts.positions.set(envelope.id, position);
  for (const { json, digest } of prepared.value) {
    const body = Buffer.from(json);
    const [bytes, check] = [body.length, crc32(body)];
    generation.addEntry(
      { id: envelope.id, stream, seq, position, at, digest: digest.toString('base64'), bytes, check },
      body,
    );
  }
  return null;
}

function addFact(facts: Facts, record: Exclude<BusRecord, { readonly kind: 'entry' }>): void {
  switch (record.kind) {
    case 'bus':
      facts.floor = record.last_position;
      return;
    case 'delivery': {
      const { queue, envelope_id, place, not_before: due, count, epoch } = record;
      const state = record.state === 'waiting' ? 'ready' : record.state;
      facts.deliveries.push({
        queue,
        position: facts.positions.get(envelope_id) ?? 0,
        state,
        place,
        due,
        count,
        epoch,
      });
      return;
    }
    case 'dead_letter': {
      const { id, queue, envelope_id, count, error, buried_at: at } = record;
      facts.graves.push({ id, queue, position: facts.positions.get(envelope_id) ?? 0, count, error, at });
      return;
    }
    case 'forgotten': {
      const { id, stream, seq, position, until } = record;
      const digest = Buffer.from(record.digest, 'hex').toString('base64');
      facts.forgotten.push({ id, stream, seq, position, digest, until });
      return;
    }
    case 'lease': {
      const { name, epoch } = record;
      facts.leases.push({ name, holder: '', token: null, epoch, due: 0, lease: 0 });
      return;
    }
    case 'end':
  }
}
