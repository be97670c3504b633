import type { StreamEntry } from '../../bus.ts';
import { readEntry, type MessageRow } from '../../stored-envelope.ts';
import type { Reply } from './link.ts';

/** Fields of one entry in an answer. */
export const entryFields = 3;

/** The entry whose fields begin at `first` of a flat list: position, head (`id|digest|seq|at|stream`), envelope as JSON. */
export function rowAt(reply: Reply, first: number): MessageRow {
  const [id = '', , seq, storedAt, ...stream] = String(reply[first + 1]).split('|');
  return {
    position: Number(reply[first]),
    stream: stream.join('|'),
    seq: Number(seq),
    stored_at: Number(storedAt),
    id,
    checksum: null,
    envelope: String(reply[first + 2]),
  };
}

/** The entries of a flat list. */
export function readEntries(reply: Reply): readonly StreamEntry[] {
  const entries: StreamEntry[] = [];
  for (let first = 0; first < reply.length; first += entryFields) entries.push(readEntry(rowAt(reply, first)));
  return entries;
}
