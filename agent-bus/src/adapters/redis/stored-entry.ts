import type { StreamEntry } from '../../bus.ts';
import { readEntry, type MessageRow } from '../../stored-envelope.ts';
import type { Reply } from './link.ts';

/** Fields of one entry in an answer. */
export const entryFields = 6;

/** The entry whose fields begin at `first` of a flat list. */
export function rowAt(reply: Reply, first: number): MessageRow {
  const [position, stream, seq, storedAt, id, json] = reply.slice(first, first + entryFields);
  return {
    position: Number(position),
    stream: String(stream),
    seq: Number(seq),
    stored_at: Number(storedAt),
    id: String(id),
    checksum: null,
    envelope: String(json),
  };
}

/** The entries of a flat list. */
export function readEntries(reply: Reply): readonly StreamEntry[] {
  const entries: StreamEntry[] = [];
  for (let first = 0; first < reply.length; first += entryFields) entries.push(readEntry(rowAt(reply, first)));
  return entries;
}
