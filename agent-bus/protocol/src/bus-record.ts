import { z } from 'zod';
import { appErrorSchema } from './app-error.ts';
import { agentName, envelopeSchema } from './envelope.ts';

const count = z.int().min(0);
/** Milliseconds since 1970. */
const instant = z.int().min(0);

/** The first record: what follows is a whole bus as it was at one moment. */
const head = z.strictObject({
  kind: z.literal('bus'),
  version: z.literal(1),
  exported_at: z.iso.datetime(),
  last_position: count,
});
/** One envelope in its place. Records of this kind come in the order of `position`. */
const entry = z.strictObject({
  kind: z.literal('entry'),
  stream: z.string(),
  seq: z.int().min(1),
  position: z.int().min(1),
  stored_at: instant,
  envelope: envelopeSchema,
});
/** One (envelope, queue). A lease is not exported: what was leased waits, its count and epoch kept so that fencing goes on growing. */
const delivery = z.strictObject({
  kind: z.literal('delivery'),
  queue: agentName,
  envelope_id: z.string(),
  state: z.enum(['waiting', 'delayed', 'done', 'buried']),
  /** The position at which it was put into its queue: the order of the queue. */
  place: z.int().min(1),
  /** Of a delayed delivery; else 0. */
  not_before: instant,
  count,
  epoch: count,
});
const deadLetter = z.strictObject({
  kind: z.literal('dead_letter'),
  id: z.string(),
  queue: agentName,
  envelope_id: z.string(),
  count,
  error: appErrorSchema,
  buried_at: instant,
});
/** An id that outlives its stream, so that it is not accepted anew. */
const forgotten = z.strictObject({
  kind: z.literal('forgotten'),
  id: z.string(),
  stream: z.string(),
  seq: z.int().min(1),
  position: z.int().min(1),
  /** SHA-256 of the canonical bytes, in hexadecimal digits. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  until: instant,
});
/** A named lease's last epoch. */
const lease = z.strictObject({ kind: z.literal('lease'), name: agentName, epoch: count });
/** The last record: without it the export is cut short. `records` counts all before it. */
const end = z.strictObject({ kind: z.literal('end'), records: count });

/**
 * One line of an export of a bus, the same for every adapter. Order: `bus`, every `entry`, every `delivery`, `dead_letter`,
 * `forgotten` and `lease`, `end`.
 */
export const busRecordSchema = z.discriminatedUnion('kind', [head, entry, delivery, deadLetter, forgotten, lease, end]);
export type BusRecord = z.infer<typeof busRecordSchema>;
