import assert from 'node:assert/strict';
import { unwrap, type Envelope } from '@agentcompany/protocol';
import type { AgentBus } from '../bus.ts';
import {
  assertRefused,
  claim,
  claimOne,
  makeEnvelope,
  makeRun,
  openInstance,
  sendAll,
  streamOf,
  testError,
  type Contract,
} from './support.ts';
import { collect } from './watching.ts';

/** Texts that encodings, terminators and escapes have tripped over. */
const oddTexts: Readonly<Record<string, string>> = {
  'an empty text': '',
  'NUL and control characters': 'a\u0000b\u0001\u001F\u007F\r\n\t',
  'line separators and a byte order mark': '\u2028\u2029\uFEFF',
  'emoji with joiners and skin tones': '🏢👩🏽‍💻🏳️‍🌈',
  'right to left, with marks': 'שלום \u202Eabc\u202C عربى \u200F',
  'characters outside the basic plane': '𝔘𠜎\u{10FFFF}',
  'surrogates without their other half': 'high \uD800 low \uDFFF end \uD83D',
  'composed and decomposed forms': 'é e\u0301 Å Å',
  'quotes, backslashes, and what looks like an escape': '"\\\\u0000\\n\'`${x}%s$1*3\r\n$-1\r\n',
};

/** Contents as JSON, because an object literal would set the prototype. */
const oddContents: Readonly<Record<string, string>> = {
  'keys that are names of the language': '{"__proto__":{"a":1},"constructor":null,"toString":{"__proto__":[2]}}',
  'keys that look like indexes, out of order': '{"b":1,"10":2,"2":3,"a":4,"-1":5,"01":6,"4294967295":7}',
  'an empty key and keys of every kind of text': '{"":0," ":1,"\\u0000":2,"🏢":3,"\\ud800":4}',
  'numbers at the edges': '[0,-1,1e21,1e-7,5e-324,1.7976931348623157e308,9007199254740991,0.1]',
  'nothing, in every form': '{"null":null,"object":{},"list":[],"text":"","nested":[[],[{}],null]}',
  'a list of mixed depth': `${'['.repeat(200)}1${']'.repeat(200)}`,
};

/** Everywhere the bus shows this envelope of queue `workers`; it ends as a dead letter. */
async function shown(bus: AgentBus, envelope: Envelope): Promise<Readonly<Record<string, Envelope | undefined>>> {
  const delivery = await claimOne(bus, 'workers');
  const receipt = unwrap(await bus.send([{ envelope }]));
  unwrap(await bus.reject(delivery, testError, []));
  return {
    receive: delivery.envelope,
    send: receipt.entries[0]?.envelope,
    readStream: (await streamOf(bus, envelope.context.run_id!))[0]?.envelope,
    readAll: unwrap(await bus.readAll({ after: 0, limit: 1 }))[0]?.envelope,
    watch: (await collect(bus, 0, 1))[0]?.envelope,
    deadLetters: unwrap(await bus.deadLetters())[0]?.envelope,
  };
}

/** What is carried comes out byte for byte (C3). */
export function carryingContract(contract: Contract): void {
  const payloads = {
    ...Object.fromEntries(Object.entries(oddTexts).map(([name, text]) => [name, { [text]: text, list: [text] }])),
    ...Object.fromEntries(Object.entries(oddContents).map(([name, json]) => [name, { content: JSON.parse(json) }])),
  };
  for (const [name, payload] of Object.entries(payloads)) {
    contract(`C3 carries ${name} byte for byte, wherever it is read`, async (store) => {
      const envelope = makeEnvelope({ payload, kept: payload });
      const sender = await openInstance(store);
      await sendAll(sender, [envelope]);
      await sender.close();
      const places = await shown(await openInstance(store), envelope);
      for (const [place, found] of Object.entries(places))
        assert.equal(JSON.stringify(found), JSON.stringify(envelope), place);
    });
  }

  contract('C3 carries names of the language as keys of the payload itself', async (store) => {
    const bus = await openInstance(store);
    const payload = JSON.parse('{"__proto__":{"a":1},"constructor":2,"hasOwnProperty":3}') as Envelope['payload'];
    await sendAll(bus, [makeEnvelope({ payload })]);
    assert.equal(JSON.stringify((await claimOne(bus, 'workers')).envelope.payload), JSON.stringify(payload));
  });

  contract('C3 carries payloads up to its limit, one or several in a step, and refuses larger ones', async (store) => {
    const bus = await openInstance(store);
    const limit = bus.capabilities().maxPayloadBytes;
    const [large, other, larger] = ['x'.repeat(limit - 11), 'é'.repeat(limit / 2 - 6), 'x'.repeat(limit)].map((text) =>
      makeEnvelope({ payload: { text } }),
    );
    unwrap(await bus.send([{ envelope: large! }, { envelope: other! }]));
    const deliveries = await claim(bus, 'workers');
    for (const [index, sent] of [large!, other!].entries())
      assert.ok(deliveries[index]?.envelope.payload['text'] === sent.payload['text'], `payload ${index}`);
    assertRefused(await bus.send([{ envelope: makeEnvelope() }, { envelope: larger! }]), 'AC_BUS_PAYLOAD_TOO_LARGE');
    assertRefused(await bus.complete(deliveries[0]!, [{ envelope: larger! }]), 'AC_BUS_PAYLOAD_TOO_LARGE');
    assert.deepEqual(await claim(bus, 'workers'), []);
    unwrap(await bus.complete(deliveries[0]!, []));
  });

  contract('C3 carries a thousand envelopes in one step, in their order', async (store) => {
    const bus = await openInstance(store);
    const { run, envelopes } = makeRun(1000);
    unwrap(await bus.send(envelopes.map((envelope) => ({ envelope }))));
    assert.deepEqual(
      (await claim(bus, 'workers', 1000)).map(({ envelope }) => envelope.id),
      envelopes.map(({ id }) => id),
    );
    assert.equal(unwrap(await bus.streamVersion(run)), 1000);
  });
}
