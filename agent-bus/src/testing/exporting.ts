import assert from 'node:assert/strict';
import { busRecordSchema, unwrap, type BusRecord } from '@agentcompany/protocol';
import type { AgentBus } from '../bus.ts';
import { furnish, type Furnishings } from './furnished.ts';
import { comparable, recordsOf, streamed } from './records.ts';
import {
  assertRefused,
  claim,
  claimOne,
  ids,
  lease,
  makeEnvelope,
  makeRun,
  openInstance,
  sendAll,
  TestClock,
  type Contract,
} from './support.ts';

async function assertEmpty(bus: AgentBus): Promise<void> {
  assert.deepEqual(unwrap(await bus.readAll({ after: 0, limit: 10 })), []);
  assert.deepEqual(unwrap(await bus.streams()), []);
  assert.deepEqual(unwrap(await bus.queues()), []);
  assert.deepEqual(unwrap(await bus.deadLetters()), []);
}

/** What an imported bus does with what came with it. */
async function assertGoesOn(
  bus: AgentBus,
  { forgotten, workers, delayed, held, done, buried, epoch }: Furnishings,
  clock: TestClock,
): Promise<void> {
  const last = unwrap(await bus.lastPosition());
  assert.deepEqual(ids(await claim(bus, 'workers')), ids(workers.map((envelope) => ({ envelope }))));
  assertRefused(await bus.complete(held, []), 'AC_BUS_STALE_LEASE');
  const again = await claimOne(bus, 'held');
  assert.deepEqual([again.count, again.epoch], [held.count + 1, held.epoch + 1]);
  assert.deepEqual(await claim(bus, 'timers'), []);
  clock.advance(2 * 86_400_000);
  assert.deepEqual(ids(await claim(bus, 'timers')), [delayed.id]);
  unwrap(await bus.send([{ envelope: forgotten }, { envelope: done, queue: 'short' }]));
  assert.deepEqual([await claim(bus, 'brief'), await claim(bus, 'short')], [[], []]);
  assertRefused(await bus.send([{ envelope: { ...forgotten, payload: {} } }]), 'AC_BUS_ID_CONFLICT');
  assertRefused(await bus.send([{ envelope: { ...done, payload: {} } }]), 'AC_BUS_ID_CONFLICT');
  assert.equal(unwrap(await bus.lastPosition()), last);
  const [letter] = unwrap(await bus.deadLetters());
  unwrap(await bus.requeue(letter!.id));
  const requeued = await claimOne(bus, 'broken');
  assert.deepEqual([requeued.envelope.id, requeued.count, requeued.epoch], [buried.id, 1, 2]);
  assert.equal(unwrap(await bus.acquireLease('engine', 'three', lease)).epoch, epoch + 1);
  const next = unwrap(await bus.send([{ envelope: makeEnvelope({ context: done.context }) }])).entries[0]!;
  assert.ok(next.position > last, 'positions grow on');
  assert.equal(next.seq, unwrap(await bus.streamVersion(done.context.run_id!)));
}

/** An export with one thing wrong, by what is wrong. */
function spoilt(records: readonly BusRecord[]): Readonly<Record<string, readonly BusRecord[]>> {
  const firstOf = (kind: BusRecord['kind']): number => records.findIndex((record) => record.kind === kind);
  const entry = firstOf('entry');
  const changed = (index: number, fields: Readonly<Record<string, unknown>>): readonly BusRecord[] =>
    records.with(index, { ...records[index], ...fields } as BusRecord);
  return {
    'nothing at all': [],
    'no beginning': records.slice(1),
    'no end': records.slice(0, -1),
    'an end after fewer records': [...records.slice(0, -2), records.at(-1)!],
    'something after the end': [...records, records[entry]!],
    'two entries in each other’s place': records.with(entry, records[entry + 1]!).with(entry + 1, records[entry]!),
    'a delivery before its envelope': [records[0]!, records[firstOf('delivery')]!, ...records.slice(1)],
    'a delivery of an unknown envelope': changed(firstOf('delivery'), { envelope_id: makeEnvelope().id }),
    'a dead letter of an unknown envelope': changed(firstOf('dead_letter'), { envelope_id: makeEnvelope().id }),
    'an unknown kind': changed(entry, { kind: 'rumour' }),
    'a later version': changed(0, { version: 2 }),
    'an envelope without sender': changed(entry, { envelope: { ...makeEnvelope(), sender: undefined } }),
  };
}

/** A bus taken out of one store and put into another (C3). */
export function exportingContract(contract: Contract): void {
  contract(
    'C3 an export holds everything, in its order, and an import makes the same bus of it',
    async (store, another) => {
      const clock = new TestClock();
      const from = await openInstance(store, clock);
      const furnishings = await furnish(from, clock);
      const records = await recordsOf(from);
      for (const record of records) busRecordSchema.parse(record);
      assert.deepEqual(
        records
          .filter(({ kind }) => kind === 'entry')
          .map((record) => JSON.stringify('envelope' in record && record.envelope)),
        unwrap(await from.readAll({ after: 0, limit: 1000 })).map(({ envelope }) => JSON.stringify(envelope)),
      );
      const copy = await another();
      const before = await openInstance(copy, clock);
      const imported = unwrap(await before.importRecords(streamed(records)));
      assert.equal(imported.entries, records.filter(({ kind }) => kind === 'entry').length);
      assert.deepEqual(comparable(await recordsOf(before)), comparable(records));
      await before.close();
      const to = await openInstance(copy, clock);
      assert.deepEqual(comparable(await recordsOf(to)), comparable(records));
      assert.deepEqual(unwrap(await to.streams()), unwrap(await from.streams()));
      assert.deepEqual(unwrap(await to.deadLetters()), unwrap(await from.deadLetters()));
      await assertGoesOn(to, furnishings, clock);
    },
  );

  contract('C3 an export of an empty bus imports as an empty bus', async (store, another) => {
    const records = await recordsOf(await openInstance(store));
    assert.deepEqual(
      records.map(({ kind }) => kind),
      ['bus', 'end'],
    );
    const copy = await openInstance(await another());
    assert.deepEqual(unwrap(await copy.importRecords(streamed(records))), { entries: 0 });
    await assertEmpty(copy);
  });

  contract('C3 refuses an import into a bus that holds something', async (store) => {
    const bus = await openInstance(store);
    const envelope = makeEnvelope();
    await sendAll(bus, [envelope]);
    const records = await recordsOf(bus);
    assertRefused(await bus.importRecords(streamed(records)), 'AC_BUS_NOT_EMPTY');
    assert.deepEqual(comparable(await recordsOf(bus)), comparable(records));
  });

  contract('C3 refuses an export with anything wrong, and imports nothing of it', async (store, another) => {
    const clock = new TestClock();
    const from = await openInstance(store, clock);
    await furnish(from, clock);
    const records = await recordsOf(from);
    const to = await openInstance(await another(), clock);
    for (const [what, wrong] of Object.entries(spoilt(records))) {
      const result = await to.importRecords(streamed(wrong));
      assert.ok(!result.ok, what);
      assert.equal(result.error.code, 'AC_BUS_EXPORT_INVALID', what);
      await assertEmpty(to);
    }
    async function* broken(): AsyncGenerator<BusRecord, void, undefined> {
      yield* records.slice(0, 3);
      throw new Error('the source is gone');
    }
    await assert.rejects(to.importRecords(broken()), /the source is gone/);
    await assertEmpty(to);
    unwrap(await to.importRecords(streamed(records)));
    assert.deepEqual(comparable(await recordsOf(to)), comparable(records));
  });

  contract('C3 S84 an export taken while others write is the bus as it was at one moment', async (store, another) => {
    const [from, writer] = [await openInstance(store), await openInstance(store)];
    const before = makeRun(300).envelopes;
    unwrap(await from.send(before.map((envelope) => ({ envelope }))));
    const records: BusRecord[] = [];
    for await (const record of from.exportRecords()) {
      records.push(unwrap(record));
      if (records.length % 20 !== 0) continue;
      // Two in one step: both are in the export or neither.
      unwrap(await writer.send(makeRun(2).envelopes.map((envelope) => ({ envelope }))));
      unwrap(await writer.complete(await claimOne(writer, 'workers'), []));
    }
    const entries = records.flatMap((record) => (record.kind === 'entry' ? [record.envelope] : []));
    assert.deepEqual(
      ids(before.map((envelope) => ({ envelope }))),
      ids(entries.slice(0, 300).map((envelope) => ({ envelope }))),
    );
    assert.equal(entries.length % 2, 0);
    const to = await openInstance(await another());
    assert.equal(unwrap(await to.importRecords(streamed(records))).entries, entries.length);
    const [head] = records;
    assert.equal(head?.kind === 'bus' ? head.last_position : null, unwrap(await to.lastPosition()));
  });

  contract('C3 an export may be left off, and tells of a bus that is closed', async (store) => {
    const bus = await openInstance(store);
    await sendAll(bus, makeRun(5).envelopes);
    for await (const record of bus.exportRecords()) if (unwrap(record).kind === 'entry') break;
    await sendAll(bus, [makeEnvelope()]);
    await bus.close();
    const results = [];
    for await (const record of bus.exportRecords()) results.push(record);
    assertRefused(results.at(-1)!, 'AC_BUS_CLOSED');
    assert.equal(results.filter(({ ok }) => !ok).length, 1);
  });
}
