import { crc32 } from 'node:zlib';
import {
  companyStream,
  failure,
  parseEnvelope,
  type AppError,
  type Context,
  type Envelope,
  type Result,
} from '@agentcompany/protocol';
import type { StreamEntry } from './bus.ts';
import { busErrors } from './errors.ts';

/** A row of `messages` with the name of its stream. */
export interface MessageRow {
  readonly id: string;
  readonly position: number;
  readonly stream: string;
  readonly seq: number;
  readonly stored_at: number;
  /** CRC-32 of the text; null where a version that kept none has written it. */
  readonly checksum: number | null;
  readonly envelope: string;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The envelope of a row. Error: `AC_BUS_UNREADABLE` naming the row, for content that someone or a failing disk has changed. */
export function readEnvelope(row: MessageRow): Result<Envelope> {
  const unreadable = (cause: unknown): Result<never> =>
    failure(busErrors.AC_BUS_UNREADABLE({ id: row.id, seq: row.seq, stream: row.stream }, cause));
  if (row.checksum !== null && row.checksum !== crc32(row.envelope)) return unreadable('its checksum is another');
  const parsed = parseEnvelope(parseJson(row.envelope));
  if (parsed.ok && parsed.value.id === row.id) return parsed;
  return unreadable(parsed.ok ? `it holds the id ${parsed.value.id}` : parsed.error);
}

/** The context that follows from the stream alone. */
export function contextOfStream(stream: string): Context {
  return stream === companyStream ? {} : { run_id: stream.replace(/\/progress$/, '') };
}

/** What stands in a stream in place of an unreadable envelope: a `dead_letter` with its id, so that readers neither stop nor miss it. */
function standIn(row: MessageRow, error: AppError): Envelope {
  return {
    version: '1',
    id: row.id,
    sender: 'bus',
    recipient: 'engine',
    envelope_type: 'dead_letter',
    payload: { queue: 'unknown', envelope_id: row.id, envelope_type: 'unknown', deliveries: 0, error },
    context: contextOfStream(row.stream),
    inReplyTo: null,
    created_at: new Date(row.stored_at).toISOString(),
  };
}

/** The entry of a row; an unreadable one shows as a `dead_letter` in its place. */
export function readEntry(row: MessageRow): StreamEntry {
  const read = readEnvelope(row);
  const envelope = read.ok ? read.value : standIn(row, read.error);
  return { stream: row.stream, seq: row.seq, position: row.position, envelope };
}
