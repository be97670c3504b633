import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import { join, relative } from 'node:path';
import { crc32 } from 'node:zlib';
import { parseEnvelope, streamOf, type Envelope } from '@agentcompany/protocol';
import { canonicalJson } from '../../canonical-json.ts';
import { deadLetterNotice, derivedIdSync, engineQueue } from '../../dead-letter-notice.ts';
import { busErrors } from '../../errors.ts';
import { makePrivateFolder, syncFolder } from '../../file-system.ts';
import { writeFully, type Segments } from './segments.ts';
import type { State, StoredBody } from './state.ts';
import type { DeliveryFact, EntryFact, GraveFact, Step } from './step.ts';

/** Bytes of a segment. */
export interface Extent {
  readonly segment: number;
  readonly offset: number;
  readonly end: number;
}

export interface StepWithBodies<Body> {
  readonly step: Step;
  readonly bodies: readonly Body[];
}

/** The queue in whose name damage is listed among the dead letters. */
const quarantineQueue = 'quarantine';
/** No more than this is searched for envelopes at a time. */
const pieceBytes = 64 * 1024 * 1024;

function fileName({ segment, offset }: Extent): string {
  return `${segment}-${offset}.bin`;
}

/** Keeps the damaged bytes by name, durably. `folder`: of the bus. */
export function quarantine(folder: string, segments: Segments, extent: Extent): void {
  const place = join(folder, 'quarantine');
  makePrivateFolder(place);
  const path = join(place, fileName(extent));
  if (existsSync(path)) return;
  const descriptor = openSync(path, 'w', 0o600);
  try {
    for (let offset = extent.offset; offset < extent.end; offset += pieceBytes) {
      const piece = segments.read(extent.segment, offset, Math.min(pieceBytes, extent.end - offset));
      writeFully(descriptor, piece, offset - extent.offset);
    }
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  syncFolder(place);
}

function factOfEnvelope(envelope: Envelope, json: Buffer, state: State): EntryFact {
  const stream = streamOf(envelope);
  return {
    id: envelope.id,
    stream,
    seq: state.ledger.version(stream) + 1,
    position: state.ledger.lastPosition + 1,
    at: Date.parse(envelope.created_at),
    digest: createHash('sha256').update(canonicalJson(envelope)).digest('base64'),
    bytes: json.length,
    check: crc32(json),
  };
}

/**
 * What can be read among damaged bytes: envelopes whose step is lost. They enter their streams; as nobody knows any more into which
 * queue they went, each is a dead letter in its recipient's, to be requeued or purged by a person. The same bytes give the same steps.
 */
export function* salvagedSteps(
  segments: Segments,
  state: State,
  extent: Extent,
): Generator<StepWithBodies<StoredBody>, void, undefined> {
  const bytes = segments.read(extent.segment, extent.offset, Math.min(pieceBytes, extent.end - extent.offset));
  for (let from = 0; from < bytes.length;) {
    const found = bytes.indexOf(0x0a, from);
    const to = found < 0 ? bytes.length : found;
    const line = bytes.subarray(from, to);
    const envelope = readLine(line);
    const location = { segment: extent.segment, offset: extent.offset + from, bytes: line.length };
    if (envelope !== null && state.ledger.find(envelope.id) === undefined)
      yield { step: salvagedStep(envelope, line, state, extent), bodies: [{ location, sound: true }] };
    from = to + 1;
  }
}

function salvagedStep(envelope: Envelope, line: Buffer, state: State, extent: Extent): Step {
  const entry = factOfEnvelope(envelope, line, state);
  const { position, at } = entry;
  const queue = envelope.recipient;
  const error = busErrors.AC_BUS_QUARANTINED({ bytes: extent.end - extent.offset, file: fileName(extent) });
  const id = derivedIdSync(`salvaged/${envelope.id}`);
  return {
    entries: [entry],
    deliveries: [{ queue, position, state: 'buried' }],
    graves: [{ id, queue, position, count: 0, error, at }],
  };
}

function readLine(line: Buffer): Envelope | null {
  if (line[0] !== 0x7b) return null;
  try {
    const parsed = parseEnvelope(JSON.parse(line.toString('utf8')));
    return parsed.ok ? parsed.value : null;
  } catch {
    return null;
  }
}

/** The step that tells of damage: a `dead_letter` for each in stream `company` and queue `engine`, listed among the dead letters. */
export function tellDamage(
  state: State,
  segments: Segments,
  extents: readonly Extent[],
  now: number,
): StepWithBodies<Buffer> {
  const parts = { entries: [] as EntryFact[], deliveries: [] as DeliveryFact[], graves: [] as GraveFact[] };
  const bodies: Buffer[] = [];
  let [position, seq] = [state.ledger.lastPosition, state.ledger.version('company')];
  for (const extent of extents) {
    const file = `quarantine/${fileName(extent)}`;
    const journal = relative(join(segments.folder, '..'), segments.path(extent.segment));
    const error = busErrors.AC_BUS_QUARANTINED({ bytes: extent.end - extent.offset, file: fileName(extent) }, journal);
    const id = derivedIdSync(`${file}/${now}`);
    const buried = { id, envelopeType: 'unknown', context: {}, queue: quarantineQueue, count: 0, epoch: 0 };
    const notice = deadLetterNotice(buried, error, now);
    const json = Buffer.from(JSON.stringify(notice));
    position += 1;
    seq += 1;
    parts.entries.push({ ...factOfEnvelope(notice, json, state), position, seq, at: now });
    parts.deliveries.push({ queue: engineQueue, position, state: 'ready' });
    parts.deliveries.push({ queue: quarantineQueue, position, state: 'buried' });
    parts.graves.push({ id: notice.id, queue: quarantineQueue, position, count: 0, error, at: now });
    bodies.push(json);
  }
  const damages = extents.map((extent) => {
    const { segment, offset, end } = extent;
    return { segment, offset, length: end - offset, file: fileName(extent) };
  });
  return { step: { ...parts, damages }, bodies };
}
