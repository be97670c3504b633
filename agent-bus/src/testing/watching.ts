import assert from 'node:assert/strict';
import { unwrap } from '@agentcompany/protocol';
import type { AgentBus, StreamEntry } from '../bus.ts';
import { ids, makeEnvelope, makeRun, openInstance, sendAll, type Contract } from './support.ts';

/** The next `count` entries, in the order in which they come. */
export async function collect(bus: AgentBus, after: number, count: number): Promise<readonly StreamEntry[]> {
  const controller = new AbortController();
  const entries: StreamEntry[] = [];
  for await (const entry of bus.watch({ after, signal: controller.signal })) {
    if (entries.push(entry) === count) controller.abort();
  }
  return entries;
}

/** The company-wide cursor (C3). */
export function watchingContract(contract: Contract): void {
  contract(
    'C3 shows a watcher everything in commit order, with no late arrivals, from senders on two instances at once',
    async (store) => {
      const [one, two, reader] = [await openInstance(store), await openInstance(store), await openInstance(store)];
      const total = 120;
      const watched = collect(reader, 0, total);
      const lots = [one, two].map(async (bus) => {
        for (let round = 0; round < 6; round += 1) {
          const results = await Promise.all(makeRun(10).envelopes.map((envelope) => bus.send([{ envelope }])));
          results.forEach(unwrap);
        }
      });
      await Promise.all(lots);
      const entries = await watched;
      const positions = entries.map(({ position }) => position);
      assert.deepEqual(
        positions,
        positions.toSorted((left, right) => left - right),
      );
      assert.equal(new Set(positions).size, total);
      assert.deepEqual(ids(entries), ids(await collect(one, 0, total)));
    },
  );

  contract('C3 goes on from a position, over all streams', async (store) => {
    const bus = await openInstance(store);
    const envelopes = [makeEnvelope(), makeEnvelope({ context: {} }), makeEnvelope()];
    await sendAll(bus, envelopes);
    const [first] = await collect(bus, 0, 1);
    assert.deepEqual(
      (await collect(bus, first!.position, 2)).map(({ envelope }) => envelope),
      envelopes.slice(1),
    );
  });

  contract('C3 ends a watch when it is aborted', async (store) => {
    const bus = await openInstance(store);
    const controller = new AbortController();
    const entries = bus.watch({ after: 0, signal: controller.signal })[Symbol.asyncIterator]();
    const next = entries.next();
    controller.abort();
    assert.equal((await next).done, true);
  });
}
