import { streamOf, type BusRecord } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { RecordChecker } from './check-records.ts';
import { makeEnvelope, makeRun, testError } from './testing/support.ts';

const { run, envelopes } = makeRun(2);
const [first, second] = [envelopes[0]!, envelopes[1]!];
const stray = makeEnvelope();
const digest = 'ab'.repeat(32);

const entry = (
  position: number,
  seq: number,
  fields: Partial<Extract<BusRecord, { kind: 'entry' }>> = {},
): BusRecord => ({
  kind: 'entry',
  stream: run,
  seq,
  position,
  stored_at: 1,
  envelope: position === 1 ? first : second,
  ...fields,
});
const delivery = (fields: Partial<Extract<BusRecord, { kind: 'delivery' }>> = {}): BusRecord => ({
  kind: 'delivery',
  queue: 'workers',
  envelope_id: first.id,
  state: 'buried',
  place: 1,
  not_before: 0,
  count: 1,
  epoch: 1,
  ...fields,
});
const head: BusRecord = { kind: 'bus', version: 1, exported_at: '2026-11-20T12:00:00.000Z', last_position: 9 };
const letter: BusRecord = {
  kind: 'dead_letter',
  id: second.id,
  queue: 'workers',
  envelope_id: first.id,
  count: 1,
  error: testError,
  buried_at: 1,
};
const forgotten: BusRecord = { kind: 'forgotten', id: stray.id, stream: 'old', seq: 1, position: 3, digest, until: 1 };
const lease: BusRecord = { kind: 'lease', name: 'engine', epoch: 3 };
const body: readonly BusRecord[] = [head, entry(1, 1), entry(2, 2), delivery(), letter, forgotten, lease];

/** What is said of these records with an `end` after them: `entries n`, or the error's message. */
function verdict(records: readonly unknown[], end: unknown = { kind: 'end', records: records.length }): string {
  const checker = new RecordChecker();
  for (const record of end === null ? records : [...records, end]) {
    const checked = checker.check(record);
    if (!checked.ok) return `${checked.error.code}: ${checked.error.message}`;
  }
  const finished = checker.finish();
  return finished.ok ? `entries ${finished.value.entries}` : `${finished.error.code}: ${finished.error.message}`;
}

/** The whole export with one record replaced. */
const having = (index: number, ...records: readonly unknown[]): readonly unknown[] => [
  ...body.slice(0, index),
  ...records,
  ...body.slice(index + 1),
];

describe('the records of an export', () => {
  it('pass whole, and also without anything but head and end', () => {
    expect(verdict(body)).toBe('entries 2');
    expect(verdict([head])).toBe('entries 0');
  });

  it.each([
    ['no head', body.slice(1), 1, 'the first record must be bus, this is entry'],
    ['a second head', having(1, head), 2, 'bus is out of order'],
    ['an entry after a delivery', having(2, delivery(), entry(2, 2)), 4, 'entry is out of order'],
    ['a position that falls', having(2, entry(1, 2, { envelope: second })), 3, 'position 1 is out of order'],
    ['a position beyond the last', having(2, entry(10, 2)), 3, 'position 10 is beyond the last one'],
    ['a gap in a stream', having(2, entry(2, 3)), 3, `stream ${run} goes on with 2, not 3`],
    ['an envelope twice', having(2, entry(2, 2, { envelope: first })), 3, `envelope ${first.id} is there twice`],
    [
      'an entry in a foreign stream',
      having(2, entry(2, 1, { stream: 'company' })),
      3,
      `envelope ${second.id} belongs to stream ${streamOf(second)}`,
    ],
    ['a delivery of nothing', having(3, delivery({ envelope_id: stray.id })), 4, `there is no envelope ${stray.id}`],
    ['a delivery twice', having(4, delivery()), 5, `envelope ${first.id} is in queue workers twice`],
    [
      'a time of what waits',
      having(3, delivery({ state: 'waiting', not_before: 5 })),
      4,
      'not_before of a delivery that is waiting',
    ],
    [
      'a dead letter that was not buried',
      having(3, delivery({ state: 'done' })),
      5,
      `no buried delivery of ${first.id} in queue workers`,
    ],
    ['a dead letter twice', having(5, letter), 6, `dead_letter ${second.id} is there twice`],
    [
      'an id kept and forgotten',
      having(5, { ...forgotten, id: first.id }),
      6,
      `${first.id} is both kept and forgotten`,
    ],
    ['an id forgotten twice', having(6, forgotten), 7, `forgotten ${stray.id} is there twice`],
    [
      'a forgotten position beyond the last',
      having(5, { ...forgotten, position: 10 }),
      6,
      'position 10 is beyond the last one',
    ],
    ['a lease twice', having(6, lease, lease), 8, 'lease engine is there twice'],
    [
      'a record of another shape',
      having(3, { ...delivery(), count: -1 }),
      4,
      'count: Too small: expected number to be >=0',
    ],
    ['no record at all', having(3, 'rubbish'), 4, 'Invalid input: expected object, received string'],
  ] as const)('refuse %s', (_name, records, number, problem) => {
    expect(verdict(records)).toBe(`AC_BUS_EXPORT_INVALID: record ${number} of the export is not valid: ${problem}`);
  });

  it('refuse an export that is cut short, miscounted or goes on', () => {
    const refused = (number: number, problem: string): string =>
      `AC_BUS_EXPORT_INVALID: record ${number} of the export is not valid: ${problem}`;
    expect(verdict(body, null)).toBe(refused(8, 'it is missing: the export was cut short'));
    expect(verdict([], null)).toBe(refused(1, 'it is missing: the export was cut short'));
    expect(verdict(body, { kind: 'end', records: 6 })).toBe(refused(8, 'it counts 6 records before it'));
    expect(verdict([...body, { kind: 'end', records: 7 }], lease)).toBe(refused(9, 'it comes after the end'));
  });
});
