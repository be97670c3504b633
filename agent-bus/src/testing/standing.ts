import assert from 'node:assert/strict';
import { unwrap, type Envelope } from '@agentcompany/protocol';
import type { AgentBus } from '../bus.ts';
import {
  claim,
  claimOne,
  lease,
  makeEnvelope,
  makeRun,
  openInstance,
  pastLease,
  sendAll,
  testError,
  TestClock,
  type Contract,
} from './support.ts';

/** `state queue count` of each delivery of the envelopes, in the order in which the bus tells them. */
async function standing(bus: AgentBus, envelopes: readonly Envelope[]): Promise<readonly string[]> {
  const found = unwrap(await bus.deliveries(envelopes.map(({ id }) => id)));
  return found.map(({ state, queue, count }) => `${state} ${queue} ${count}`);
}

/** Where a delivery stands: pending, processed or failed in the words of other queues (H11, H14). */
export function standingContract(contract: Contract): void {
  contract(
    'H14 gives each recipient its messages in the order of sending, and tells which wait, are done or failed',
    async (store) => {
      const bus = await openInstance(store);
      const { run, envelopes } = makeRun(6);
      const mixed = envelopes.map((envelope, index) => ({ ...envelope, recipient: index % 2 === 0 ? 'even' : 'odd' }));
      await sendAll(bus, mixed);
      const even = await claim(bus, 'even', 2);
      assert.deepEqual(
        even.map(({ envelope }) => envelope.id),
        [mixed[0]!.id, mixed[2]!.id],
      );
      unwrap(await bus.complete(even[0]!, []));
      unwrap(await bus.reject(even[1]!, testError, []));
      const odd = await claimOne(bus, 'odd');
      assert.equal(odd.envelope.id, mixed[1]!.id);
      assert.deepEqual(await standing(bus, mixed), [
        'done even 1',
        'leased odd 1',
        'buried even 1',
        'waiting odd 0',
        'waiting even 0',
        'waiting odd 0',
      ]);
      assert.equal(unwrap(await bus.streamVersion(run)), 7);
    },
  );

  contract(
    'H11 a handler that fails loses nothing: each try is counted, and after the last it stands as failed with its error',
    async (store) => {
      const clock = new TestClock();
      const bus = await openInstance(store, { now: clock.now, maxDeliveries: 3 });
      const task = makeEnvelope();
      await sendAll(bus, [task]);
      for (const count of [1, 2, 3]) {
        assert.equal((await claimOne(bus, 'workers', lease)).count, count);
        assert.deepEqual(await standing(bus, [task]), [`leased workers ${count}`]);
        clock.advance(pastLease);
        assert.deepEqual(await standing(bus, [task]), [`waiting workers ${count}`]);
      }
      assert.deepEqual(await claim(bus, 'workers'), []);
      assert.deepEqual(await standing(bus, [task]), ['buried workers 3']);
      const [letter] = unwrap(await bus.deadLetters());
      assert.deepEqual([letter?.envelope.id, letter?.error.code], [task.id, 'AC_BUS_DELIVERIES_SPENT']);
      unwrap(await bus.requeue(letter!.id));
      assert.deepEqual(await standing(bus, [task]), ['waiting workers 0']);
    },
  );

  contract('C3 tells where the deliveries of several envelopes stand, in the order asked', async (store) => {
    const clock = new TestClock();
    const bus = await openInstance(store, clock);
    const [one, two, history] = makeRun(3).envelopes;
    unwrap(
      await bus.send([
        { envelope: one!, queue: 'second' },
        { envelope: one!, queue: 'first' },
        { envelope: two!, notBefore: clock.value + lease },
        { envelope: history!, queue: null },
      ]),
    );
    const unknown = makeEnvelope();
    const all = [two!, unknown, one!, history!];
    assert.deepEqual(await standing(bus, all), ['delayed workers 0', 'waiting first 0', 'waiting second 0']);
    assert.deepEqual(
      unwrap(await bus.deliveries(all.map(({ id }) => id))).map(({ envelopeId }) => envelopeId),
      [two!.id, one!.id, one!.id],
    );
    assert.deepEqual(unwrap(await bus.deliveries([])), []);
    clock.advance(pastLease);
    assert.deepEqual(await standing(bus, [two!]), ['waiting workers 0']);
    const delivery = await claimOne(bus, 'workers', lease);
    unwrap(await bus.release(delivery, { notBefore: clock.value + lease }));
    assert.deepEqual(await standing(bus, [two!]), ['delayed workers 0']);
  });

  contract('C3 what was purged stays failed; what was compacted has no deliveries', async (store) => {
    const clock = new TestClock();
    const bus = await openInstance(store, clock);
    const { run, envelopes } = makeRun(1);
    await sendAll(bus, envelopes);
    unwrap(await bus.reject(await claimOne(bus, 'workers'), testError, []));
    unwrap(await bus.complete(await claimOne(bus, 'engine'), []));
    unwrap(await bus.purge(unwrap(await bus.deadLetters())[0]!.id));
    assert.deepEqual(await standing(bus, envelopes), ['buried workers 1']);
    clock.advance(pastLease);
    unwrap(await bus.compact({ closedBefore: clock.value, streams: [run] }));
    assert.deepEqual(await standing(bus, envelopes), []);
  });
}
