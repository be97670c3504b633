import assert from 'node:assert/strict';
import { newId, unwrap, type Envelope } from '@agentcompany/protocol';
import {
  assertRefused,
  claim,
  ids,
  makeEnvelope,
  makeRun,
  openInstance,
  sendAll,
  streamOf,
  type Contract,
} from './support.ts';

/** What is taken, what is refused, what is taken once (C7, S73). */
export function refusingContract(contract: Contract): void {
  const cases = [
    ['without id', { id: undefined }, 'AC_ENVELOPE_INVALID'],
    ['without type', { envelope_type: undefined }, 'AC_ENVELOPE_INVALID'],
    ['without from', { sender: undefined }, 'AC_ENVELOPE_INVALID'],
    ['without to', { recipient: undefined }, 'AC_ENVELOPE_INVALID'],
    ['without timestamp', { created_at: undefined }, 'AC_ENVELOPE_INVALID'],
    ['of unknown type', { envelope_type: 'gossip' }, 'AC_ENVELOPE_TYPE'],
    ['of unknown version', { version: '2' }, 'AC_ENVELOPE_VERSION'],
  ] as const;
  for (const [what, fields, code] of cases) {
    contract(`C7 refuses a message ${what}`, async (store) => {
      const bus = await openInstance(store);
      const sound = makeEnvelope();
      const broken = { ...makeEnvelope({ context: sound.context }), ...fields } as unknown as Envelope;
      assertRefused(
        await bus.send([
          { envelope: sound, queue: 'workers' },
          { envelope: broken, queue: 'workers' },
        ]),
        code,
      );
      assert.deepEqual(await claim(bus, 'workers'), []);
      assert.equal(unwrap(await bus.streamVersion(sound.context.run_id!)), 0);
    });
  }

  contract(
    'C7 refuses what it could not keep: __proto__ as a field of the envelope or of its context',
    async (store) => {
      const bus = await openInstance(store);
      const text = JSON.stringify(makeEnvelope());
      for (const broken of [text.replace('{', '{"__proto__":{},'), text.replace('"run_id"', '"__proto__"')])
        assertRefused(await bus.send([{ envelope: JSON.parse(broken) as Envelope }]), 'AC_ENVELOPE_INVALID');
    },
  );

  contract('C7 reads the spellings of the field and writes its own', async (store) => {
    const bus = await openInstance(store);
    const { id, payload } = makeEnvelope();
    const foreign = {
      version: '0.1',
      id,
      from: 'a',
      to: 'b',
      type: 'TASK_NOTE',
      timestamp: '2026-11-20T12:00:00Z',
      payload,
    } as unknown as Envelope;
    unwrap(await bus.send([{ envelope: foreign }]));
    const [delivery] = await claim(bus, 'b');
    assert.equal(delivery?.envelope.envelope_type, 'task_note');
    assert.equal('from' in delivery.envelope, false);
  });

  contract('C3 refuses names of queues and leases that a path could abuse', async (store) => {
    const bus = await openInstance(store);
    for (const name of ['../x', '/etc', 'a/../b', '', 'Upper', 'a//b', 'a b', `x${'y'.repeat(128)}`]) {
      assertRefused(await bus.send([{ envelope: makeEnvelope(), queue: name }]), 'AC_BUS_QUEUE_NAME');
      assertRefused(await bus.receive(name, { max: 1, waitMs: 0, leaseMs: 1 }), 'AC_BUS_QUEUE_NAME');
      assertRefused(await bus.acquireLease(name, 'me', 1000), 'AC_BUS_QUEUE_NAME');
    }
    assert.deepEqual(unwrap(await bus.queues()), []);
  });

  contract('C3 refuses numbers that mean nothing', async (store) => {
    const bus = await openInstance(store);
    assertRefused(await bus.receive('workers', { max: 0, waitMs: 0, leaseMs: 1 }), 'AC_BUS_OPTION_INVALID');
    assertRefused(await bus.receive('workers', { max: 1, waitMs: -1, leaseMs: 1 }), 'AC_BUS_OPTION_INVALID');
    assertRefused(await bus.receive('workers', { max: 1, waitMs: 0, leaseMs: Number.NaN }), 'AC_BUS_OPTION_INVALID');
    assertRefused(await bus.send([{ envelope: makeEnvelope(), notBefore: Number.NaN }]), 'AC_BUS_OPTION_INVALID');
  });

  contract('C7 refuses content that JSON cannot carry', async (store) => {
    const bus = await openInstance(store);
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    assertRefused(await bus.send([{ envelope: makeEnvelope({ payload: cyclic }) }]), 'AC_ENVELOPE_INVALID');
  });

  contract(
    'S73 takes the same envelope once, sent twice or a hundred times at once, also after its completion',
    async (store) => {
      const [bus, other] = [await openInstance(store), await openInstance(store)];
      const envelope = makeEnvelope({ payload: { b: 1, a: 2 } });
      const reordered = { ...structuredClone(envelope), payload: { a: 2, b: 1 } };
      const first = unwrap(await bus.send([{ envelope }]));
      const receipts = await Promise.all(
        Array.from({ length: 100 }, (_unused, index) => [bus, other][index % 2]!.send([{ envelope: reordered }])),
      );
      for (const receipt of receipts) {
        assert.deepEqual(
          unwrap(receipt).entries.map(({ seq, position }) => [seq, position]),
          first.entries.map(({ seq, position }) => [seq, position]),
        );
      }
      const [delivery, ...rest] = await claim(bus, 'workers');
      assert.equal(rest.length, 0);
      unwrap(await bus.complete(delivery!, []));
      unwrap(await bus.send([{ envelope }]));
      assert.deepEqual(await claim(other, 'workers'), []);
      assert.deepEqual(ids(await streamOf(bus, envelope.context.run_id!)), [envelope.id]);
    },
  );

  contract('S73 adds the delivery when a known envelope goes to another queue', async (store) => {
    const bus = await openInstance(store);
    const [envelope, later] = [makeEnvelope(), makeEnvelope()];
    unwrap(
      await bus.send([
        { envelope, queue: null },
        { envelope: later, queue: 'audit' },
      ]),
    );
    unwrap(await bus.send([{ envelope, queue: 'audit' }]));
    assert.deepEqual(ids(await claim(bus, 'audit')), [later.id, envelope.id]);
    assert.equal(unwrap(await bus.streamVersion(envelope.context.run_id!)), 1);
  });

  contract('S73 known envelopes sent to another queue line up there in the order of the step', async (store) => {
    const bus = await openInstance(store);
    const { envelopes } = makeRun(3);
    await sendAll(bus, envelopes);
    const order = [envelopes[2]!, envelopes[0]!, makeEnvelope(), envelopes[1]!];
    unwrap(await bus.send(order.map((envelope) => ({ envelope, queue: 'audit' }))));
    assert.deepEqual(ids(await claim(bus, 'audit')), ids(order.map((envelope) => ({ envelope }))));
  });

  contract('C3 refuses one id with two contents in one step, and keeps neither', async (store) => {
    const bus = await openInstance(store);
    const envelope = makeEnvelope();
    assertRefused(await bus.send([{ envelope }, { envelope: { ...envelope, payload: {} } }]), 'AC_BUS_ID_CONFLICT');
    assert.equal(unwrap(await bus.lastPosition()), 0);
    assert.deepEqual(await claim(bus, 'workers'), []);
  });

  contract('C3 refuses a known id with other content, from whichever instance', async (store) => {
    const [bus, other] = [await openInstance(store), await openInstance(store)];
    const envelope = makeEnvelope();
    unwrap(await bus.send([{ envelope }]));
    assertRefused(await other.send([{ envelope: { ...envelope, payload: { note: 'else' } } }]), 'AC_BUS_ID_CONFLICT');
    assertRefused(
      await other.send([{ envelope: { ...envelope, context: { run_id: newId() } } }]),
      'AC_BUS_ID_CONFLICT',
    );
  });
}
