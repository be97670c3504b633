import assert from 'node:assert/strict';
import { parsePayload, unwrap, type Envelope } from '@agentcompany/protocol';
import type { AgentBus } from '../bus.ts';
import {
  assertRefused,
  claim,
  claimOne,
  ids,
  lease,
  makeEnvelope,
  makeRun,
  openInstance,
  pastLease,
  sendAll,
  streamOf,
  testError,
  TestClock,
  type Contract,
} from './support.ts';

/** The one notice of a dead letter, in the stream and in queue `engine`. */
async function noticeOf(
  bus: AgentBus,
  envelope: Envelope,
): Promise<{ readonly deliveries: number; readonly code: string }> {
  const [notice, ...more] = await claim(bus, 'engine');
  assert.equal(more.length, 0);
  assert.equal(notice?.envelope.envelope_type, 'dead_letter');
  assert.equal(notice?.envelope.inReplyTo, envelope.id);
  const entries = await streamOf(bus, envelope.context.run_id!);
  assert.equal(entries.filter(({ envelope: entry }) => entry.id === notice?.envelope.id).length, 1);
  const payload = unwrap(parsePayload('dead_letter', notice.envelope.payload));
  assert.deepEqual(
    [payload.queue, payload.envelope_id, payload.envelope_type],
    ['workers', envelope.id, envelope.envelope_type],
  );
  return { deliveries: payload.deliveries, code: payload.error.code };
}

/** Dead letters never hang a run (DESIGN §4; S75). */
export function buryingContract(contract: Contract): void {
  contract(
    'C3 a rejected delivery becomes a dead letter, told to its stream and to queue engine in the same step',
    async (store) => {
      const bus = await openInstance(store);
      const [task, note] = makeRun(2).envelopes;
      await sendAll(bus, [task!]);
      const delivery = await claimOne(bus, 'workers');
      const receipt = unwrap(await bus.reject(delivery, testError, [{ envelope: note!, queue: null }]));
      assert.equal(receipt.entries.length, 2);
      assert.deepEqual(unwrap(await bus.reject(delivery, testError, [])), receipt);
      assert.deepEqual(await noticeOf(bus, task!), { deliveries: 1, code: 'AC_TEST' });
      const [letter] = unwrap(await bus.deadLetters());
      assert.deepEqual(
        [letter?.queue, letter?.envelope, letter?.count, letter?.error],
        ['workers', task, 1, testError],
      );
      assert.deepEqual(await claim(bus, 'workers'), []);
    },
  );

  contract(
    'C3 S75 what a receive buries takes no place in it, and in queue engine its notice comes with the same call',
    async (store) => {
      const clock = new TestClock();
      const spending = { now: clock.now, maxDeliveries: 1 };
      const bus = await openInstance(store, spending);
      const [poison, second, ...fresh] = makeRun(4).envelopes;
      unwrap(await bus.send([poison!, second!].map((envelope) => ({ envelope, queue: 'engine' }))));
      // Given up without a word, as by a process that is killed.
      const handler = await openInstance(store, spending);
      assert.deepEqual(ids(await claim(handler, 'engine', 2, lease)), [poison!.id, second!.id]);
      clock.advance(pastLease);
      unwrap(await bus.send(fresh.map((envelope) => ({ envelope, queue: 'engine' }))));
      const claimed = await claim(bus, 'engine', 3);
      assert.deepEqual(
        ids(claimed.slice(0, 2)),
        fresh.map(({ id }) => id),
      );
      assert.deepEqual(
        [claimed[2]?.envelope.envelope_type, claimed[2]?.envelope.inReplyTo],
        ['dead_letter', poison!.id],
      );
      // The other notice found no place.
      assert.deepEqual(
        (await claim(bus, 'engine')).map(({ envelope }) => envelope.inReplyTo),
        [second!.id],
      );
    },
  );

  contract(
    'S75 a message whose handler dies each time is counted before it is handled and buried when its deliveries are spent; the queue moves on',
    async (store) => {
      const clock = new TestClock();
      const [poison, next] = makeRun(2).envelopes;
      const sender = await openInstance(store, { now: clock.now, maxDeliveries: 3 });
      await sendAll(sender, [poison!]);
      for (const count of [1, 2, 3]) {
        // Each instance is given up without a word, as when its process is killed.
        const handler = await openInstance(store, { now: clock.now, maxDeliveries: 3 });
        assert.equal((await claimOne(handler, 'workers', lease)).count, count);
        clock.advance(pastLease);
      }
      await sendAll(sender, [next!]);
      const bus = await openInstance(store, { now: clock.now, maxDeliveries: 3 });
      assert.deepEqual(ids(await claim(bus, 'workers')), [next!.id]);
      assert.deepEqual(await noticeOf(bus, poison!), { deliveries: 3, code: 'AC_BUS_DELIVERIES_SPENT' });
      assert.deepEqual(
        unwrap(await bus.deadLetters()).map(({ envelope, count }) => [envelope.id, count]),
        [[poison!.id, 3]],
      );
    },
  );

  contract('S75 an error that carries all a worker printed is buried with its beginning', async (store) => {
    const bus = await openInstance(store);
    await sendAll(bus, [makeEnvelope()]);
    const cause = `beginning${'x'.repeat(bus.capabilities().maxPayloadBytes)}`;
    unwrap(await bus.reject(await claimOne(bus, 'workers'), { ...testError, cause }, []));
    const [letter] = unwrap(await bus.deadLetters());
    assert.match(letter?.error.cause ?? '', /^beginningx+…$/);
    assert.equal((await claim(bus, 'engine')).length, 1);
  });

  contract('S75 clean releases spend no delivery', async (store) => {
    const bus = await openInstance(store, { maxDeliveries: 2 });
    await sendAll(bus, [makeEnvelope()]);
    for (let round = 0; round < 5; round += 1) unwrap(await bus.release(await claimOne(bus, 'workers')));
    assert.equal((await claimOne(bus, 'workers')).count, 1);
  });

  contract('S75 a late holder cannot complete what was buried', async (store) => {
    const clock = new TestClock();
    const bus = await openInstance(store, { now: clock.now, maxDeliveries: 1 });
    await sendAll(bus, [makeEnvelope()]);
    const delivery = await claimOne(bus, 'workers', lease);
    clock.advance(pastLease);
    assert.deepEqual(await claim(bus, 'workers'), []);
    assertRefused(await bus.complete(delivery, []), 'AC_BUS_STALE_LEASE');
  });

  contract('S75 the notice of a dead letter, buried itself, makes no further one in queue engine', async (store) => {
    const bus = await openInstance(store);
    const task = makeEnvelope();
    await sendAll(bus, [task]);
    unwrap(await bus.reject(await claimOne(bus, 'workers'), testError, []));
    unwrap(await bus.reject(await claimOne(bus, 'engine'), testError, []));
    assert.deepEqual(await claim(bus, 'engine'), []);
    assert.equal(unwrap(await bus.deadLetters()).length, 2);
    assert.equal(unwrap(await bus.streamVersion(task.context.run_id!)), 3);
  });

  contract(
    'C3 requeues a dead letter at the end of its queue with its count at 0, and buries it anew',
    async (store) => {
      const bus = await openInstance(store);
      const { envelopes } = makeRun(2);
      await sendAll(bus, envelopes);
      unwrap(await bus.reject(await claimOne(bus, 'workers'), testError, []));
      const [letter] = unwrap(await bus.deadLetters());
      unwrap(await bus.requeue(letter!.id));
      assertRefused(await bus.requeue(letter!.id), 'AC_BUS_UNKNOWN_DEAD_LETTER');
      const [first, second] = await claim(bus, 'workers');
      assert.deepEqual([first?.envelope.id, second?.envelope.id], [envelopes[1]!.id, envelopes[0]!.id]);
      assert.equal(second?.count, 1);
      unwrap(await bus.reject(second, testError, []));
      const [anew] = unwrap(await bus.deadLetters());
      assert.notEqual(anew?.id, letter?.id);
      assert.equal((await claim(bus, 'engine')).length, 2);
    },
  );

  contract('C3 requeued dead letters line up in the order of their requeues, behind all that wait', async (store) => {
    const bus = await openInstance(store);
    const { envelopes } = makeRun(4);
    await sendAll(bus, envelopes);
    for (const delivery of await claim(bus, 'workers', 3)) unwrap(await bus.reject(delivery, testError, []));
    const letters = unwrap(await bus.deadLetters());
    const letterOf = (index: number) => letters.find(({ envelope }) => envelope.id === envelopes[index]!.id)!.id;
    for (const index of [1, 0, 2]) unwrap(await bus.requeue(letterOf(index)));
    const [late] = makeRun(1).envelopes;
    await sendAll(bus, [late!]);
    assert.deepEqual(ids(await claim(bus, 'workers')), [
      ...[3, 1, 0, 2].map((index) => envelopes[index]!.id),
      late!.id,
    ]);
  });

  contract('C3 the epoch grows on over a requeue, and the token of the one who rejected is stale', async (store) => {
    const bus = await openInstance(store);
    await sendAll(bus, [makeEnvelope()]);
    const before = await claimOne(bus, 'workers');
    unwrap(await bus.reject(before, testError, []));
    unwrap(await bus.requeue(unwrap(await bus.deadLetters())[0]!.id));
    assertRefused(await bus.complete(before, []), 'AC_BUS_STALE_LEASE');
    const after = await claimOne(bus, 'workers');
    assert.deepEqual([after.count, after.epoch], [1, before.epoch + 1]);
    assertRefused(await bus.complete(before, []), 'AC_BUS_STALE_LEASE');
    unwrap(await bus.complete(after, []));
  });

  contract('S75 twenty deliveries are spent before a message is buried, where nothing else is said', async (store) => {
    const clock = new TestClock();
    const bus = await openInstance(store, { now: clock.now });
    await sendAll(bus, [makeEnvelope()]);
    for (let count = 1; count <= 20; count += 1) {
      assert.equal((await claimOne(bus, 'workers', lease)).count, count);
      clock.advance(pastLease);
    }
    assert.deepEqual(await claim(bus, 'workers'), []);
    assert.equal(unwrap(await bus.deadLetters())[0]?.error.code, 'AC_BUS_DELIVERIES_SPENT');
  });

  contract('C3 purges a dead letter; its envelope stays in its stream', async (store) => {
    const bus = await openInstance(store);
    const task = makeEnvelope();
    await sendAll(bus, [task]);
    unwrap(await bus.reject(await claimOne(bus, 'workers'), testError, []));
    const [letter] = unwrap(await bus.deadLetters());
    unwrap(await bus.purge(letter!.id));
    assertRefused(await bus.purge(letter!.id), 'AC_BUS_UNKNOWN_DEAD_LETTER');
    assert.deepEqual(unwrap(await bus.deadLetters()), []);
    unwrap(await bus.send([{ envelope: task }]));
    assert.deepEqual(await claim(bus, 'workers'), []);
    assert.equal(ids(await streamOf(bus, task.context.run_id!))[0], task.id);
  });
}
