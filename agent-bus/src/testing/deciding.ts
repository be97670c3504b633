import assert from 'node:assert/strict';
import { newId, unwrap, type Envelope } from '@agentcompany/protocol';
import type { AgentBus, Delivery } from '../bus.ts';
import {
  assertRefused,
  claim,
  claimOne,
  ids,
  makeEnvelope,
  makeRun,
  openInstance,
  sendAll,
  streamOf,
  type Contract,
} from './support.ts';

const consumers = 50;

/** Completes a sibling's delivery as the engine decides: fold, decide, refused where the stream went on, again. The last of the siblings releases the dependant. */
async function completeSibling(bus: AgentBus, run: string, delivery: Delivery, dependant: Envelope): Promise<boolean> {
  const done = makeEnvelope({
    context: { run_id: run },
    envelope_type: 'task_state',
    payload: { sibling: delivery.envelope.id },
  });
  for (;;) {
    const entries = await streamOf(bus, run);
    const before = entries.filter(({ envelope }) => envelope.envelope_type === 'task_state').length;
    const releases = before === consumers - 1;
    const items = [
      { envelope: done, queue: null },
      ...(releases ? [{ envelope: { ...dependant, id: newId() }, queue: 'dependants' }] : []),
    ];
    const result = await bus.complete(delivery, items, { expect: { stream: run, version: entries.length } });
    if (result.ok) return releases;
    assertRefused(result, 'AC_BUS_CONFLICT');
  }
}

/** Finishing is one step, and of two deciders one decides (DESIGN §1.3; C5). */
export function decidingContract(contract: Contract): void {
  contract(
    'C5 of two completions decided on the same version one gets AC_BUS_CONFLICT, and its delivery stays leased',
    async (store) => {
      const [one, two] = [await openInstance(store), await openInstance(store)];
      const { run, envelopes } = makeRun(2);
      await sendAll(one, envelopes);
      const [left, right] = await claim(one, 'workers');
      const decision = (): { envelope: Envelope; queue: null } => ({
        envelope: makeEnvelope({ context: { run_id: run } }),
        queue: null,
      });
      const results = await Promise.all([
        one.complete(left!, [decision()], { expect: { stream: run, version: 2 } }),
        two.complete(right!, [decision()], { expect: { stream: run, version: 2 } }),
      ]);
      const refused = results.findIndex((result) => !result.ok);
      assert.equal(results.filter((result) => result.ok).length, 1);
      assertRefused(results[refused]!, 'AC_BUS_CONFLICT');
      assert.equal(unwrap(await one.streamVersion(run)), 3);
      assert.deepEqual(await claim(two, 'workers'), []);
      unwrap(await two.complete([left!, right!][refused]!, [decision()], { expect: { stream: run, version: 3 } }));
    },
  );

  contract('C5 fifty deciders at once: each round exactly one wins', async (store) => {
    const [one, two] = [await openInstance(store), await openInstance(store)];
    const run = newId();
    for (let version = 0; version < 4; version += 1) {
      const attempts = Array.from({ length: consumers }, (_unused, index) => {
        const envelope = makeEnvelope({ context: { run_id: run }, payload: { note: `decider ${index}` } });
        return [one, two][index % 2]!.send([{ envelope, queue: null }], { expect: { stream: run, version } });
      });
      const results = await Promise.all(attempts);
      assert.equal(results.filter((result) => result.ok).length, 1);
      for (const result of results) if (!result.ok) assert.equal(result.error.code, 'AC_BUS_CONFLICT');
      assert.equal(unwrap(await one.streamVersion(run)), version + 1);
    }
  });

  contract('C5 fifty consumers completing siblings at once release the dependant exactly once', async (store) => {
    const instances = [await openInstance(store), await openInstance(store)];
    const { run, envelopes } = makeRun(consumers);
    unwrap(await instances[0]!.send(envelopes.map((envelope) => ({ envelope }))));
    const deliveries = await claim(instances[0]!, 'workers', consumers);
    assert.equal(deliveries.length, consumers);
    const dependant = makeEnvelope({ context: { run_id: run }, envelope_type: 'task_assign' });
    const released = await Promise.all(
      deliveries.map((delivery, index) => completeSibling(instances[index % 2]!, run, delivery, dependant)),
    );
    assert.equal(released.filter(Boolean).length, 1);
    assert.equal((await claim(instances[1]!, 'dependants')).length, 1);
    assert.deepEqual(
      (await streamOf(instances[0]!, run)).map(({ seq }) => seq),
      Array.from({ length: 2 * consumers + 1 }, (_unused, index) => index + 1),
    );
  });

  contract('C3 a repeated complete gives the first receipt, whatever it carries', async (store) => {
    const bus = await openInstance(store);
    const [task, answer, other] = makeRun(3).envelopes;
    await sendAll(bus, [task!]);
    const delivery = await claimOne(bus, 'workers');
    const first = unwrap(await bus.complete(delivery, [{ envelope: answer! }]));
    assert.deepEqual(ids(first.entries), [answer!.id]);
    await claimOne(bus, 'workers');
    assert.deepEqual(unwrap(await bus.complete(delivery, [{ envelope: answer! }])), first);
    assert.deepEqual(
      unwrap(await bus.complete(delivery, [{ envelope: other! }], { expect: { stream: 'x', version: 9 } })),
      first,
    );
    assert.equal(unwrap(await bus.streamVersion(task!.context.run_id!)), 2);
    assertRefused(await bus.complete({ ...delivery, token: newId() }, []), 'AC_BUS_STALE_LEASE');
  });

  contract(
    'C3 who lost the answer to a complete repeats it after a restart and gets the first receipt',
    async (store) => {
      const before = await openInstance(store);
      const [task, answer] = makeRun(2).envelopes;
      await sendAll(before, [task!]);
      const delivery = await claimOne(before, 'workers');
      const first = unwrap(await before.complete(delivery, [{ envelope: answer! }]));
      await before.close();
      const after = await openInstance(store);
      assert.deepEqual(unwrap(await after.complete(structuredClone(delivery), [{ envelope: answer! }])), first);
      assert.deepEqual(ids(await claim(after, 'workers')), [answer!.id]);
    },
  );

  contract('C5 a decision may stand on another stream than that of its delivery', async (store) => {
    const bus = await openInstance(store);
    const [task, other] = [makeEnvelope(), makeEnvelope()];
    await sendAll(bus, [task]);
    const delivery = await claimOne(bus, 'workers');
    const stream = other.context.run_id!;
    const items = [{ envelope: other, queue: null }];
    assertRefused(await bus.complete(delivery, items, { expect: { stream, version: 1 } }), 'AC_BUS_CONFLICT');
    assertRefused(await bus.completeMany([{ delivery, items }], { expect: { stream, version: 1 } }), 'AC_BUS_CONFLICT');
    assert.equal(unwrap(await bus.streamVersion(stream)), 0);
    unwrap(await bus.completeMany([{ delivery, items }], { expect: { stream, version: 0 } }));
    assert.equal(unwrap(await bus.streamVersion(stream)), 1);
  });

  contract('C3 a repeated send with expect gives the first receipt although the stream went on', async (store) => {
    const bus = await openInstance(store);
    const { run, envelopes } = makeRun(2);
    const send = () => bus.send([{ envelope: envelopes[0]! }], { expect: { stream: run, version: 0 } });
    const first = unwrap(await send());
    await sendAll(bus, [envelopes[1]!]);
    assert.deepEqual(unwrap(await send()), first);
  });

  contract('C3 a refused complete leaves nothing behind', async (store) => {
    const bus = await openInstance(store);
    const [task, known, fresh] = makeRun(3).envelopes;
    await sendAll(bus, [task!]);
    unwrap(await bus.send([{ envelope: known!, queue: null }]));
    const delivery = await claimOne(bus, 'workers');
    const items = [
      { envelope: fresh!, queue: 'next' },
      { envelope: { ...known!, payload: {} }, queue: 'next' },
    ];
    assertRefused(await bus.complete(delivery, items), 'AC_BUS_ID_CONFLICT');
    assert.deepEqual(await claim(bus, 'next'), []);
    assert.equal(unwrap(await bus.streamVersion(task!.context.run_id!)), 2);
    assert.deepEqual(ids(unwrap(await bus.complete(delivery, [{ envelope: fresh!, queue: 'next' }])).entries), [
      fresh!.id,
    ]);
  });

  contract('C3 completes several in one step, all or nothing', async (store) => {
    const bus = await openInstance(store);
    const [one, two, answer, late] = makeRun(4).envelopes;
    await sendAll(bus, [one!, two!]);
    const [left, right] = await claim(bus, 'workers');
    const completions = [
      { delivery: left!, items: [{ envelope: answer!, queue: 'next' }] },
      { delivery: right!, items: [] },
    ];
    assertRefused(
      await bus.completeMany([completions[0]!, { delivery: { ...right!, token: 'stolen' }, items: [] }]),
      'AC_BUS_STALE_LEASE',
    );
    assert.deepEqual(await claim(bus, 'next'), []);
    const first = unwrap(await bus.completeMany(completions));
    assert.deepEqual(unwrap(await bus.completeMany(completions)), first);
    assert.deepEqual(ids(await claim(bus, 'next')), [answer!.id]);
    await sendAll(bus, [late!]);
    const fresh = { delivery: await claimOne(bus, 'workers'), items: [] };
    assertRefused(await bus.completeMany([completions[0]!, fresh]), 'AC_BUS_STALE_LEASE');
    unwrap(await bus.completeMany([fresh]));
  });
}
