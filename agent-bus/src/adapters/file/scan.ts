import { crc32 } from 'node:zlib';
import { isHeader, mark, parsePrefix, parseStep, prefixBytes, type JournalHeader, type Prefix } from './frame.ts';
import type { Segments } from './segments.ts';
import type { StoredBody } from './state.ts';
import type { Step } from './step.ts';

interface Extent {
  readonly segment: number;
  readonly offset: number;
  readonly end: number;
}
/** What a segment holds: records, and bytes that are none. */
export type Found =
  | (Extent & { readonly kind: 'step'; readonly step: Step; readonly bodies: readonly StoredBody[] })
  | (Extent & { readonly kind: 'header'; readonly header: JournalHeader })
  | (Extent & { readonly kind: 'damage' });

const windowBytes = 1024 * 1024;

/** A moving piece of a segment, so that a small record costs no call of its own. */
class Window {
  readonly #segments: Segments;
  readonly #segment: number;
  readonly #to: number;
  #start = 0;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(segments: Segments, segment: number, to: number) {
    this.#segments = segments;
    this.#segment = segment;
    this.#to = to;
  }

  /** Exactly these bytes; null where the segment ends before. Valid until the next call. */
  slice(offset: number, length: number): Buffer | null {
    if (offset + length > this.#to) return null;
    if (offset < this.#start || offset + length > this.#start + this.#bytes.length) {
      this.#bytes = this.#segments.read(
        this.#segment,
        offset,
        Math.min(this.#to - offset, Math.max(length, windowBytes)),
      );
      this.#start = offset;
    }
    const from = offset - this.#start;
    return from + length > this.#bytes.length ? null : this.#bytes.subarray(from, from + length);
  }
}

/** Reads the records of `segment` between two offsets. What is no record is told as damage, up to the next record. */
export function* scan(
  segments: Segments,
  segment: number,
  from: number,
  to: number,
): Generator<Found, void, undefined> {
  const window = new Window(segments, segment, to);
  for (let offset = from; offset < to;) {
    const found = recordAt(window, segment, offset, to) ?? damageAt(window, segment, offset, to);
    yield found;
    offset = found.end;
  }
}

function headAt(
  window: Window,
  offset: number,
): { readonly prefix: Prefix; readonly step: Step | JournalHeader } | null {
  const beginning = window.slice(offset, prefixBytes);
  const prefix = beginning === null ? null : parsePrefix(beginning);
  if (prefix === null) return null;
  const line = window.slice(offset, prefixBytes + prefix.stepBytes + 1);
  const step = line === null ? null : parseStep(line, prefix);
  return step === null ? null : { prefix, step };
}

function recordAt(window: Window, segment: number, offset: number, to: number): Found | null {
  const head = headAt(window, offset);
  if (head === null) return null;
  const { prefix, step } = head;
  const bodiesAt = offset + prefixBytes + prefix.stepBytes + 1;
  const end = bodiesAt + prefix.bodyBytes;
  if (end > to) return null;
  if (isHeader(step)) return { kind: 'header', segment, offset, end, header: step };
  return { kind: 'step', segment, offset, end, step, bodies: bodiesOf(window, segment, bodiesAt, step) };
}

function bodiesOf(window: Window, segment: number, from: number, step: Step): readonly StoredBody[] {
  let offset = from;
  return [...(step.entries ?? []), ...(step.healed ?? [])].map(({ bytes, check }) => {
    const body = window.slice(offset, bytes);
    const location = { segment, offset, bytes };
    offset += bytes + 1;
    return { location, sound: body !== null && crc32(body) === check };
  });
}

/** The bytes from `offset` to the next record, or to the end. */
function damageAt(window: Window, segment: number, offset: number, to: number): Found {
  const sought = `\n${mark}`;
  for (let at = offset; at < to;) {
    const length = Math.min(windowBytes, to - at);
    const index = window.slice(at, length)?.indexOf(sought) ?? -1;
    if (index >= 0) {
      const next = at + index + 1;
      if (headAt(window, next) !== null) return { kind: 'damage', segment, offset, end: next };
      at = next;
    } else at += Math.max(1, length - sought.length + 1);
  }
  return { kind: 'damage', segment, offset, end: to };
}
