import assert from 'node:assert/strict';
import { unwrap } from '@agentcompany/protocol';
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
  TestClock,
  type Contract,
  withinLease,
} from './support.ts';

/** Leases of deliveries: expiry, fencing, giving back (C3). */
export function leasingContract(contract: Contract): void {
  contract(
    'C3 H13 delivers again when a lease lapses, with a higher count and epoch, and refuses the late result',
    async (store) => {
      const clock = new TestClock();
      const [slow, quick] = [await openInstance(store, clock), await openInstance(store, clock)];
      const [envelope, answer] = makeRun(2).envelopes;
      await sendAll(slow, [envelope!]);
      const first = await claimOne(slow, 'workers', lease);
      clock.advance(withinLease);
      assert.deepEqual(await claim(quick, 'workers'), []);
      clock.advance(pastLease);
      const second = await claimOne(quick, 'workers', lease);
      assert.deepEqual([second.count, second.epoch], [2, 2]);
      assert.notEqual(second.token, first.token);
      const items = [{ envelope: answer!, queue: null }];
      assertRefused(await slow.complete(first, items), 'AC_BUS_STALE_LEASE');
      assertRefused(await slow.extend(first, 1000), 'AC_BUS_STALE_LEASE');
      assertRefused(await slow.release(first), 'AC_BUS_STALE_LEASE');
      assertRefused(
        await slow.reject(first, { code: 'AC_X', message: '', cause: null, remedy: '', retry: 'never' }, []),
        'AC_BUS_STALE_LEASE',
      );
      assert.equal(unwrap(await slow.streamVersion(envelope!.context.run_id!)), 1);
      unwrap(await quick.complete(second, items));
    },
  );

  contract('C3 wakes a waiting consumer when a lease lapses', async (store) => {
    const bus = await openInstance(store);
    await sendAll(bus, [makeEnvelope()]);
    const first = await claimOne(bus, 'workers', 60);
    const [second] = unwrap(await bus.receive('workers', { max: 1, waitMs: 30_000, leaseMs: 1000 }));
    assert.equal(second?.epoch, first.epoch + 1);
  });

  contract('C3 tells the holder to stop a fifth before the lease ends', async (store) => {
    const bus = await openInstance(store);
    await sendAll(bus, [makeEnvelope()]);
    const before = performance.now();
    const delivery = await claimOne(bus, 'workers', 10_000);
    assert.ok(delivery.leaseUntil >= before + 8000 && delivery.leaseUntil <= performance.now() + 8000);
  });

  contract('C3 prolongs a lease', async (store) => {
    const clock = new TestClock();
    const bus = await openInstance(store, clock);
    await sendAll(bus, [makeEnvelope()]);
    const delivery = await claimOne(bus, 'workers', lease);
    clock.advance(withinLease);
    const extended = unwrap(await bus.extend(delivery, 2 * lease));
    assert.equal(extended.token, delivery.token);
    clock.advance(pastLease);
    assert.deepEqual(await claim(bus, 'workers'), []);
    unwrap(await bus.complete(extended, []));
  });

  contract('C3 takes a delivery back in its place; a clean release does not count', async (store) => {
    const clock = new TestClock();
    const bus = await openInstance(store, clock);
    const { envelopes } = makeRun(2);
    await sendAll(bus, envelopes);
    const delivery = await claimOne(bus, 'workers');
    unwrap(await bus.release(delivery));
    const again = await claim(bus, 'workers');
    assert.deepEqual(ids(again), ids(envelopes.map((envelope) => ({ envelope }))));
    assert.deepEqual([again[0]?.count, again[0]?.epoch], [1, 2]);
    assertRefused(await bus.complete(delivery, []), 'AC_BUS_STALE_LEASE');
    unwrap(await bus.release(again[0]!, { notBefore: clock.value + lease }));
    assert.deepEqual(await claim(bus, 'workers'), []);
    clock.advance(pastLease);
    assert.equal((await claimOne(bus, 'workers')).count, 1);
  });

  contract('C3 wakes a waiting consumer at a release', async (store) => {
    const [bus, other] = [await openInstance(store), await openInstance(store)];
    await sendAll(bus, [makeEnvelope()]);
    const delivery = await claimOne(bus, 'workers');
    const waiting = other.receive('workers', { max: 1, waitMs: 30_000, leaseMs: 1000 });
    unwrap(await bus.release(delivery));
    assert.equal(unwrap(await waiting).length, 1);
  });

  contract(
    'C3 survives a jump of the clock: early redelivery at most, and the epoch protects the result',
    async (store) => {
      const clock = new TestClock();
      const bus = await openInstance(store, clock);
      await sendAll(bus, [makeEnvelope()]);
      const first = await claimOne(bus, 'workers', lease);
      clock.advance(86_400_000);
      const second = await claimOne(bus, 'workers', lease);
      assertRefused(await bus.complete(first, []), 'AC_BUS_STALE_LEASE');
      clock.advance(-172_800_000);
      const third = await claimOne(bus, 'workers', lease);
      assert.deepEqual([first.epoch, second.epoch, third.epoch], [1, 2, 3]);
      assertRefused(await bus.complete(second, []), 'AC_BUS_STALE_LEASE');
      unwrap(await bus.complete(third, []));
    },
  );

  contract('C3 keeps leases and counts over a close', async (store) => {
    const clock = new TestClock();
    const before = await openInstance(store, clock);
    await sendAll(before, [makeEnvelope()]);
    const delivery = await claimOne(before, 'workers', lease);
    await before.close();
    const after = await openInstance(store, clock);
    assert.deepEqual(await claim(after, 'workers'), []);
    unwrap(await after.complete(delivery, []));
    clock.advance(pastLease);
    assert.deepEqual(await claim(after, 'workers'), []);
  });

  contract('C3 ends waiting calls at close and refuses later ones', async (store) => {
    const bus = await openInstance(store);
    const waiting = bus.receive('workers', { max: 1, waitMs: 600_000, leaseMs: 1000 });
    const controller = new AbortController();
    const watching = (async () => {
      for await (const entry of bus.watch({ after: 0, signal: controller.signal }))
        assert.fail(`unexpected ${entry.seq}`);
    })();
    await bus.close();
    const ended = await waiting;
    assert.ok(ended.ok ? ended.value.length === 0 : ended.error.code === 'AC_BUS_CLOSED');
    await watching;
    assertRefused(await bus.send([{ envelope: makeEnvelope() }]), 'AC_BUS_CLOSED');
    assertRefused(await bus.receive('workers', { max: 1, waitMs: 0, leaseMs: 1 }), 'AC_BUS_CLOSED');
    assertRefused(await bus.queues(), 'AC_BUS_CLOSED');
    await bus.close();
  });
}
