import type { BusRecord } from '@agentcompany/protocol';
import { readEntry } from '../../stored-envelope.ts';
import { EnvelopeReader } from './envelope-reader.ts';
import type { Journal } from './journal.ts';
import { Segments } from './segments.ts';
import { snapshotOf, type Snapshot } from './snapshot.ts';
import type { DeliveryFact } from './step.ts';

/** The bus as it is now, record by record. The files are held open meanwhile: a compaction takes nothing away. `now`: unix milliseconds. */
export function exportRecords(journal: Journal, now: number): Generator<BusRecord, void, undefined> {
  const snapshot = snapshotOf(journal.state);
  const segments = new Segments(journal.segments.folder);
  for (const segment of new Set(snapshot.entries.map(({ location }) => location.segment)))
    if (segment > 0) segments.descriptor(segment);
  return counted(
    recordsOf(snapshot, new EnvelopeReader(({ segment, offset, bytes }) => segments.read(segment, offset, bytes)), now),
    () => segments.close(),
  );
}

function* counted(
  records: Generator<BusRecord, void, undefined>,
  onEnd: () => void,
): Generator<BusRecord, void, undefined> {
  let count = 0;
  try {
    for (const record of records) {
      yield record;
      count += 1;
    }
    yield { kind: 'end', records: count };
  } finally {
    onEnd();
  }
}

function* recordsOf(snapshot: Snapshot, envelopes: EnvelopeReader, now: number): Generator<BusRecord, void, undefined> {
  const ids = new Map<number, string>();
  const idOf = (position: number): string => ids.get(position) ?? '';
  yield {
    kind: 'bus',
    version: 1,
    exported_at: new Date(now).toISOString(),
    last_position: snapshot.lastPosition,
  };
  for (const entry of snapshot.entries) {
    const { stream, seq, position, at } = entry;
    ids.set(position, entry.id);
    yield { kind: 'entry', stream, seq, position, stored_at: at, envelope: readEntry(envelopes.row(entry)).envelope };
  }
  for (const fact of snapshot.deliveries) yield deliveryRecord(fact, idOf(fact.position), now);
  for (const { id, queue, position, count, error, at } of snapshot.graves)
    yield { kind: 'dead_letter', id, queue, envelope_id: idOf(position), count, error, buried_at: at };
  for (const { id, stream, seq, position, digest, until } of snapshot.forgotten) {
    const hex = Buffer.from(digest, 'base64').toString('hex');
    yield { kind: 'forgotten', id, stream, seq, position, digest: hex, until };
  }
  for (const { name, epoch } of snapshot.leases) yield { kind: 'lease', name, epoch };
}

/** A lease is not exported: what is leased waits. */
function deliveryRecord(fact: DeliveryFact, id: string, now: number): BusRecord {
  const { queue, position, place = position, due = 0, count = 0, epoch = 0 } = fact;
  const isDelayed = fact.state === 'delayed' && due > now;
  const isEnded = fact.state === 'done' || fact.state === 'buried';
  return {
    kind: 'delivery',
    queue,
    envelope_id: id,
    state: isEnded ? (fact.state === 'done' ? 'done' : 'buried') : isDelayed ? 'delayed' : 'waiting',
    place,
    not_before: isDelayed ? due : 0,
    count,
    epoch,
  };
}
