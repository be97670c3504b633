import { crc32 } from 'node:zlib';
import type { Step } from './step.ts';

/*
 * A record is text: one line for the step, one for each envelope that it brings.
 *
 *   =ac <crc32> <bytes of the step> <bytes of the envelopes> {the step}
 *   {an envelope}
 *
 * The numbers have eight hexadecimal digits; the checksum is of all that follows it in its line. JSON has no newline of its own, so a
 * line that begins with the mark begins a record: after damage the reader finds the next one.
 */
export const mark = '=ac ';
/** Bytes before the step's JSON. */
export const prefixBytes = mark.length + 3 * 9;
const prefixPattern = /^=ac ([0-9a-f]{8}) ([0-9a-f]{8}) ([0-9a-f]{8}) $/;

/** No step comes near it: a length beyond it is damage, for which no memory is asked. */
const maxStepBytes = 512 * 1024 * 1024;

/** A record's parts, told from its first 31 bytes. */
export interface Prefix {
  readonly check: number;
  /** Of the step's JSON, without its newline. */
  readonly stepBytes: number;
  /** Of all envelopes, with their newlines. */
  readonly bodyBytes: number;
}

const digits = (value: number): string => value.toString(16).padStart(8, '0');

/** The bytes of a record, ready to be appended. `bodies`: the JSON of the envelopes. */
export function encodeRecord(step: Step | JournalHeader, bodies: readonly Buffer[]): readonly Buffer[] {
  const json = JSON.stringify(step);
  const bodyBytes = bodies.reduce((total, body) => total + body.length + 1, 0);
  const checked = `${digits(Buffer.byteLength(json))} ${digits(bodyBytes)} ${json}`;
  const head = Buffer.from(`${mark}${digits(crc32(checked))} ${checked}\n`);
  return [head, ...bodies.flatMap((body) => [body, newline])];
}

const newline = Buffer.from('\n');

/** Reads the beginning of a record; null where there is none. */
export function parsePrefix(bytes: Buffer): Prefix | null {
  const found = prefixPattern.exec(bytes.toString('latin1', 0, prefixBytes));
  if (found === null) return null;
  const [check = 0, stepBytes = 0, bodyBytes = 0] = found.slice(1).map((text) => Number.parseInt(text, 16));
  return stepBytes > maxStepBytes ? null : { check, stepBytes, bodyBytes };
}

/** The step whose line (prefix, JSON, newline) these bytes are; null where the checksum says otherwise. */
export function parseStep(line: Buffer, prefix: Prefix): Step | JournalHeader | null {
  if (line.at(-1) !== 0x0a) return null;
  const checked = line.subarray(mark.length + 9, line.length - 1);
  return crc32(checked) === prefix.check ? (JSON.parse(line.toString('utf8', prefixBytes)) as Step) : null;
}

/** Raised with every change of what a record means. */
export const journalVersion = 1;

/** The first record of every segment. `base`: the journal begins here, lower segments are of the past. */
export interface JournalHeader {
  readonly journal: { readonly version: number; readonly base: boolean };
}

export function isHeader(step: Step | JournalHeader): step is JournalHeader {
  return 'journal' in step;
}
