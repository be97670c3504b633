import { hash } from 'node:crypto';
import {
  agentName,
  failure,
  parseEnvelope,
  protocolErrors,
  streamOf,
  success,
  type Envelope,
  type Result,
} from '@agentcompany/protocol';
import type { Completion, Delivery, OutgoingItem } from './bus.ts';
import { canonicalJson } from './canonical-json.ts';
import { busErrors } from './errors.ts';

/** What one envelope's payload may hold, in bytes of its JSON. */
export const maxPayloadBytes = 16 * 1024 * 1024;
/** What may stand around the payload. */
const maxFrameBytes = 64 * 1024;

/** An item checked and ready to be stored. `queue` null: history only; `notBefore` in unix milliseconds, 0 for at once. */
export interface PreparedItem {
  readonly envelope: Envelope;
  readonly json: string;
  /** SHA-256 of the canonical bytes: what tells a repetition from another envelope with the same id. */
  readonly digest: Buffer;
  readonly stream: string;
  readonly queue: string | null;
  readonly notBefore: number;
}

/** The end of a delivery, with what follows from it. */
export interface PreparedCompletion {
  readonly delivery: Delivery;
  readonly items: readonly PreparedItem[];
}

/** Checks the name of a queue or lease. Error: `AC_BUS_QUEUE_NAME`. */
export function checkName(name: string): Result<string> {
  if (agentName.safeParse(name).success) return success(name);
  return failure(busErrors.AC_BUS_QUEUE_NAME({ name: JSON.stringify(name).slice(0, 140) }));
}

/** Checks a number of an option. Error: `AC_BUS_OPTION_INVALID`. */
export function checkNumber(option: string, value: number, least: number): Result<number> {
  if (Number.isFinite(value) && value >= least) return success(value);
  return failure(
    busErrors.AC_BUS_OPTION_INVALID({ option, value: String(value), expected: `a number of at least ${least}` }),
  );
}

function checkSize(envelope: Envelope, json: string): Result<undefined> {
  const bytes = Buffer.byteLength(json);
  if (bytes <= maxPayloadBytes) return success(undefined);
  const payload = Buffer.byteLength(JSON.stringify(envelope.payload));
  if (payload <= maxPayloadBytes && bytes - payload <= maxFrameBytes) return success(undefined);
  return failure(busErrors.AC_BUS_PAYLOAD_TOO_LARGE({ id: envelope.id, bytes, limit: maxPayloadBytes }));
}

/** Cyclic, too deep and non-JSON content comes from whoever filled the payload: an expected failure. */
function serialise(envelope: Envelope): Result<Pick<PreparedItem, 'json' | 'digest'>> {
  try {
    const json = JSON.stringify(envelope);
    return success({ json, digest: hash('sha256', canonicalJson(envelope), 'buffer') });
  } catch (cause) {
    return failure(protocolErrors.AC_ENVELOPE_INVALID({ problem: 'payload: not plain JSON data' }, cause));
  }
}

function prepareOne(item: OutgoingItem): Result<PreparedItem> {
  const parsed = parseEnvelope(item.envelope);
  if (!parsed.ok) return parsed;
  const envelope = parsed.value;
  const queue = item.queue === undefined ? envelope.recipient : item.queue;
  const name = queue === null ? success(null) : checkName(queue);
  if (!name.ok) return name;
  const notBefore = checkNumber('notBefore', item.notBefore ?? 0, 0);
  if (!notBefore.ok) return notBefore;
  const text = serialise(envelope);
  if (!text.ok) return text;
  const { json, digest } = text.value;
  const size = checkSize(envelope, json);
  if (!size.ok) return size;
  return success({ envelope, json, digest, stream: streamOf(envelope), queue, notBefore: Math.ceil(notBefore.value) });
}

/**
 * Checks what is to be sent, before any lock is taken.
 * Errors: `AC_ENVELOPE_*`, `AC_BUS_QUEUE_NAME`, `AC_BUS_PAYLOAD_TOO_LARGE`, `AC_BUS_OPTION_INVALID`.
 */
export function prepareItems(items: readonly OutgoingItem[]): Result<readonly PreparedItem[]> {
  const prepared: PreparedItem[] = [];
  for (const item of items) {
    const one = prepareOne(item);
    if (!one.ok) return one;
    prepared.push(one.value);
  }
  return success(prepared);
}

/** The same for what is to be sent where deliveries end. */
export function prepareCompletions(completions: readonly Completion[]): Result<readonly PreparedCompletion[]> {
  const prepared: PreparedCompletion[] = [];
  for (const { delivery, items } of completions) {
    const one = prepareItems(items);
    if (!one.ok) return one;
    prepared.push({ delivery, items: one.value });
  }
  return success(prepared);
}
