import { failure, parseEnvelope, type Envelope, type Result } from '@agentcompany/protocol';
import type { StreamEntry } from '../../bus.ts';
import { busErrors } from '../../errors.ts';
import { standIn } from '../../stand-in.ts';
import type { Reply } from './link.ts';

/** An entry as the scripts tell it. */
export interface StoredEntry {
  readonly position: number;
  readonly stream: string;
  readonly seq: number;
  /** Unix milliseconds. */
  readonly storedAt: number;
  readonly id: string;
  readonly json: string;
}

/** Fields of one entry in an answer. */
export const entryFields = 6;

/** The entry that begins at `first` of a flat list. */
export function entryAt(reply: Reply, first: number): StoredEntry {
  const [position, stream, seq, storedAt, id, json] = reply.slice(first, first + entryFields);
  return {
    position: Number(position),
    stream: String(stream),
    seq: Number(seq),
    storedAt: Number(storedAt),
    id: String(id),
    json: String(json),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The envelope of an entry. Error: `AC_BUS_UNREADABLE`, for content that someone else has changed. */
export function readEnvelope(entry: StoredEntry): Result<Envelope> {
  const parsed = parseEnvelope(parseJson(entry.json));
  if (parsed.ok && parsed.value.id === entry.id) return parsed;
  const cause = parsed.ok ? `it holds the id ${parsed.value.id}` : parsed.error;
  return failure(busErrors.AC_BUS_UNREADABLE({ id: entry.id, seq: entry.seq, stream: entry.stream }, cause));
}

/** The entry with its envelope; an unreadable one shows as a `dead_letter` in its place. */
export function readEntry(entry: StoredEntry): StreamEntry {
  const read = readEnvelope(entry);
  const envelope = read.ok ? read.value : standIn(entry, read.error);
  return { stream: entry.stream, seq: entry.seq, position: entry.position, envelope };
}

/** The entries of a flat list. */
export function readEntries(reply: Reply): readonly StreamEntry[] {
  const entries: StreamEntry[] = [];
  for (let first = 0; first < reply.length; first += entryFields) entries.push(readEntry(entryAt(reply, first)));
  return entries;
}
