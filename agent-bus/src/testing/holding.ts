import assert from 'node:assert/strict';
import { unwrap } from '@agentcompany/protocol';
import {
  assertRefused,
  claim,
  claimOne,
  lease,
  makeEnvelope,
  openInstance,
  pastLease,
  sendAll,
  TestClock,
  withinLease,
  type Contract,
} from './support.ts';

/** Leases by name: one engine per company (DESIGN §1.8; C3). */
export function holdingContract(contract: Contract): void {
  contract('C3 gives a named lease to one holder and a higher epoch to the next', async (store) => {
    const clock = new TestClock();
    const [one, two] = [await openInstance(store, clock), await openInstance(store, clock)];
    const first = unwrap(await one.acquireLease('engine', 'one', lease));
    assert.match(assertRefused(await two.acquireLease('engine', 'two', 1000), 'AC_BUS_LEASE_HELD').message, /one/);
    assert.equal(unwrap(await two.acquireLease('other', 'two', 1000)).epoch, 1);
    clock.advance(withinLease);
    unwrap(await one.extendLease('engine', first.token, 2 * lease));
    clock.advance(pastLease);
    assertRefused(await two.acquireLease('engine', 'two', 1000), 'AC_BUS_LEASE_HELD');
    clock.advance(pastLease);
    const second = unwrap(await two.acquireLease('engine', 'two', 1000));
    assert.deepEqual([first.epoch, second.epoch], [1, 2]);
    assertRefused(await one.extendLease('engine', first.token, 1000), 'AC_BUS_STALE_LEASE');
    assertRefused(await one.releaseLease('engine', first.token), 'AC_BUS_STALE_LEASE');
    unwrap(await two.releaseLease('engine', second.token));
    assertRefused(await two.extendLease('engine', second.token, 1000), 'AC_BUS_STALE_LEASE');
    assert.equal(unwrap(await one.acquireLease('engine', 'one', 1000)).epoch, 3);
  });

  contract('C3 of many who want a named lease at once one gets it', async (store) => {
    const [one, two] = [await openInstance(store), await openInstance(store)];
    const wishes = Array.from({ length: 20 }, (_unused, index) =>
      [one, two][index % 2]!.acquireLease('engine', `host ${index}`, 60_000),
    );
    const results = await Promise.all(wishes);
    assert.equal(results.filter((result) => result.ok).length, 1);
    for (const result of results) if (!result.ok) assert.equal(result.error.code, 'AC_BUS_LEASE_HELD');
  });

  contract('C3 H13 who opens the bus by a clock a little behind leaves the leases of others alone', async (store) => {
    const clock = new TestClock();
    const holder = await openInstance(store, clock);
    await sendAll(holder, [makeEnvelope()]);
    const delivery = await claimOne(holder, 'workers', 60_000);
    const held = unwrap(await holder.acquireLease('engine', 'one', 60_000));
    clock.advance(-500);
    const other = await openInstance(store, clock);
    assert.deepEqual(await claim(other, 'workers'), []);
    assertRefused(await other.acquireLease('engine', 'two', 1000), 'AC_BUS_LEASE_HELD');
    unwrap(await holder.complete(delivery, []));
    unwrap(await holder.extendLease('engine', held.token, 60_000));
  });

  contract('C3 a clock set back does not prolong a named lease', async (store) => {
    const clock = new TestClock();
    const bus = await openInstance(store, clock);
    unwrap(await bus.acquireLease('engine', 'one', lease));
    clock.advance(-86_400_000);
    assert.equal(unwrap(await bus.acquireLease('engine', 'two', 1000)).epoch, 2);
  });
}
