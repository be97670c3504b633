import assert from 'node:assert/strict';
import { unwrap, type Envelope } from '@agentcompany/protocol';
import type { AgentBus } from '../bus.ts';
import {
  assertRefused,
  claim,
  claimOne,
  ids,
  makeRun,
  openInstance,
  sendAll,
  streamOf,
  testError,
  TestClock,
  type Contract,
} from './support.ts';

const day = 86_400_000;

async function finishedRun(bus: AgentBus): Promise<{ readonly run: string; readonly envelope: Envelope }> {
  const { run, envelopes } = makeRun(1);
  await sendAll(bus, envelopes);
  unwrap(await bus.complete(await claimOne(bus, 'workers'), []));
  return { run, envelope: envelopes[0]! };
}

/** What is kept, and for how long (C3). */
export function retainingContract(contract: Contract): void {
  contract(
    'C3 drops old streams that are named, remembers their ids 30 days, and never uses a position twice',
    async (store) => {
      const clock = new TestClock();
      const bus = await openInstance(store, clock);
      const kept = await finishedRun(bus);
      const old = await finishedRun(bus);
      const [oldEntry] = await streamOf(bus, old.run);
      clock.advance(day);
      const compact = (streams: readonly string[]) => bus.compact({ closedBefore: clock.value, streams });
      assert.deepEqual(unwrap(await compact([old.run, 'unknown'])), { streams: 1, entries: 1 });
      assert.deepEqual(unwrap(await bus.streams()), [kept.run]);
      const again = unwrap(await bus.send([{ envelope: old.envelope }]));
      assert.deepEqual(again.entries, [oldEntry]);
      assert.deepEqual(await claim(bus, 'workers'), []);
      assertRefused(await bus.send([{ envelope: { ...old.envelope, payload: {} } }]), 'AC_BUS_ID_CONFLICT');
      const next = unwrap(await bus.send([{ envelope: makeRun(1).envelopes[0]!, queue: null }]));
      assert.ok(next.entries[0]!.position > oldEntry!.position);
      clock.advance(29 * day);
      unwrap(await compact([]));
      assert.deepEqual(unwrap(await bus.send([{ envelope: old.envelope }])).entries, [oldEntry]);
      clock.advance(2 * day);
      unwrap(await compact([]));
      assert.ok(unwrap(await bus.send([{ envelope: old.envelope }])).entries[0]!.position > next.entries[0]!.position);
      assert.deepEqual(ids(await claim(bus, 'workers')), [old.envelope.id]);
    },
  );

  contract('C3 keeps a stream that is young, has work open or a dead letter', async (store) => {
    const clock = new TestClock();
    const bus = await openInstance(store, clock);
    const { run, envelopes } = makeRun(2);
    await sendAll(bus, envelopes);
    const compact = async () =>
      unwrap(await bus.compact({ closedBefore: clock.value - day / 2, streams: [run] })).streams;
    assert.equal(await compact(), 0);
    clock.advance(day);
    assert.equal(await compact(), 0);
    const [left, right] = await claim(bus, 'workers');
    unwrap(await bus.complete(left!, []));
    assert.equal(await compact(), 0);
    unwrap(await bus.reject(right!, testError, []));
    unwrap(await bus.complete(await claimOne(bus, 'engine'), []));
    clock.advance(day);
    assert.equal(await compact(), 0);
    unwrap(await bus.purge(unwrap(await bus.deadLetters())[0]!.id));
    assert.equal(await compact(), 1);
    assert.equal(unwrap(await bus.streamVersion(run)), 0);
    assert.deepEqual(unwrap(await bus.queues()), []);
  });
}
