import assert from 'node:assert/strict';
import { companyStream, unwrap } from '@agentcompany/protocol';
import {
  assertRefused,
  claim,
  ids,
  lease,
  makeEnvelope,
  makeRun,
  openInstance,
  pastLease,
  sendAll,
  streamOf,
  TestClock,
  type Contract,
} from './support.ts';

/** Order, time and history (C3). */
export function sendingContract(contract: Contract): void {
  contract(
    'C3 keeps history: every envelope once, seq from 1 without gaps, in the order of the steps',
    async (store) => {
      const bus = await openInstance(store);
      const { run, envelopes } = makeRun(5);
      await sendAll(bus, envelopes);
      const entries = await streamOf(bus, run);
      assert.deepEqual(
        entries.map(({ seq }) => seq),
        [1, 2, 3, 4, 5],
      );
      assert.deepEqual(
        entries.map(({ envelope }) => envelope),
        envelopes,
      );
      assert.equal(unwrap(await bus.streamVersion(run)), 5);
      assert.deepEqual(ids(unwrap(await bus.readStream(run, { after: 2, limit: 2 }))), ids(entries.slice(2, 4)));
      assert.deepEqual(unwrap(await bus.streams()), [run]);
    },
  );

  contract('C3 keeps streams apart: a run, its progress, and the company', async (store) => {
    const bus = await openInstance(store);
    const { run, envelopes } = makeRun(1);
    const progress = makeEnvelope({ context: { run_id: run }, envelope_type: 'task_progress' });
    const company = makeEnvelope({ context: {} });
    await sendAll(bus, [...envelopes, progress, company]);
    assert.deepEqual(unwrap(await bus.streams()), [run, `${run}/progress`, companyStream]);
    assert.deepEqual(ids(await streamOf(bus, run)), ids([{ envelope: envelopes[0]! }]));
    assert.equal(unwrap(await bus.streamVersion('unknown')), 0);
  });

  contract('C3 H12 delivers in the order of sending, each to one of the competing consumers', async (store) => {
    const [first, second] = [await openInstance(store), await openInstance(store)];
    const { envelopes } = makeRun(10);
    await sendAll(first, envelopes);
    const taken = [
      ...(await claim(first, 'workers', 3)),
      ...(await claim(second, 'workers', 3)),
      ...(await claim(first, 'workers', 10)),
    ];
    assert.deepEqual(
      taken.map(({ envelope }) => envelope),
      envelopes,
    );
    assert.deepEqual(await claim(second, 'workers'), []);
    assert.deepEqual(
      taken.map(({ count, epoch }) => [count, epoch]),
      envelopes.map(() => [1, 1]),
    );
  });

  contract('C3 sends all or nothing, to several queues, or to history alone', async (store) => {
    const bus = await openInstance(store);
    const [one, two] = makeRun(2).envelopes;
    const receipt = unwrap(
      await bus.send([{ envelope: one! }, { envelope: one!, queue: 'audit' }, { envelope: two!, queue: null }]),
    );
    assert.deepEqual(ids(receipt.entries), [one!.id, two!.id]);
    assert.deepEqual(ids(await claim(bus, 'workers')), [one!.id]);
    assert.deepEqual(ids(await claim(bus, 'audit')), [one!.id]);
    const other = makeEnvelope({ context: one!.context });
    assertRefused(await bus.send([{ envelope: other }, { envelope: { ...one!, payload: {} } }]), 'AC_BUS_ID_CONFLICT');
    assert.equal(unwrap(await bus.streamVersion(one!.context.run_id!)), 2);
    assert.deepEqual(await claim(bus, 'workers'), []);
  });

  contract('C3 is empty on time-out and on abort', async (store) => {
    const bus = await openInstance(store);
    const start = performance.now();
    assert.deepEqual(unwrap(await bus.receive('workers', { max: 1, waitMs: 60, leaseMs: 1000 })), []);
    assert.ok(performance.now() - start >= 55);
    const controller = new AbortController();
    const waiting = bus.receive('workers', { max: 1, waitMs: 60_000, leaseMs: 1000, signal: controller.signal });
    controller.abort();
    assert.deepEqual(unwrap(await waiting), []);
  });

  contract('C3 wakes a waiting consumer when something is sent, here and on another instance', async (store) => {
    const [bus, other] = [await openInstance(store), await openInstance(store)];
    const { envelopes } = makeRun(2);
    for (const [index, sender] of [bus, other].entries()) {
      const waiting = bus.receive('workers', { max: 1, waitMs: 30_000, leaseMs: 60_000 });
      unwrap(await sender.send([{ envelope: envelopes[index]! }]));
      assert.deepEqual(ids(unwrap(await waiting)), [envelopes[index]!.id]);
    }
  });

  contract('C3 holds a delayed send back until its time, then in order with the others', async (store) => {
    const clock = new TestClock();
    const bus = await openInstance(store, clock);
    const [timer, later] = makeRun(2).envelopes;
    unwrap(await bus.send([{ envelope: timer!, notBefore: clock.value + lease }]));
    unwrap(await bus.send([{ envelope: later! }]));
    assert.deepEqual(unwrap(await bus.queues()), [{ queue: 'workers', waiting: 1, delayed: 1, leased: 0 }]);
    clock.advance(pastLease);
    assert.deepEqual(ids(await claim(bus, 'workers')), [timer!.id, later!.id]);
    assert.deepEqual(unwrap(await bus.queues()), [{ queue: 'workers', waiting: 0, delayed: 0, leased: 2 }]);
  });

  contract('C3 wakes a waiting consumer at the time of a timer', async (store) => {
    const bus = await openInstance(store);
    const due = Date.now() + 80;
    unwrap(await bus.send([{ envelope: makeEnvelope(), notBefore: due }]));
    assert.equal(unwrap(await bus.receive('workers', { max: 1, waitMs: 30_000, leaseMs: 1000 })).length, 1);
    assert.ok(Date.now() >= due);
  });
}
