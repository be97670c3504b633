import assert from 'node:assert/strict';
import { canonicalJson } from '../../canonical-json.ts';
import type { DeadLetter, DeliveryStatus, QueueStatistics, StreamEntry } from '../../bus.ts';
import type { ServedMethod } from '../serve.ts';
import type { ModelBus } from './model-bus.ts';

type Read = (method: ServedMethod, values: readonly unknown[]) => Promise<unknown>;
const sorted = (lines: readonly string[]): readonly string[] =>
  lines.toSorted((left, right) => (left < right ? -1 : 1));

/** Compares everything that can be seen of a bus with the model. `read` calls a method and unwraps its answer. */
export async function assertSameView(model: ModelBus, read: Read): Promise<void> {
  await assertSameEntries(model, read);
  await assertSameQueues(model, read);
  const letters = (await read('deadLetters', [])) as readonly DeadLetter[];
  assert.deepEqual(
    sorted(
      letters.map(({ id, queue, envelope, count, error }) => `${id} ${queue} ${envelope.id} ${count} ${error.code}`),
    ),
    sorted(
      [...model.letters].map(
        ([id, { delivery, count, code }]) => `${id} ${delivery.queue} ${delivery.entry.envelope.id} ${count} ${code}`,
      ),
    ),
  );
  const ids = model.entries.map(({ envelope }) => envelope.id);
  const deliveries = (await read('deliveries', [ids])) as readonly DeliveryStatus[];
  assert.deepEqual(
    sorted(deliveries.map(({ envelopeId, queue, state, count }) => `${envelopeId} ${queue} ${state} ${count}`)),
    sorted(
      model.deliveries.map((each) => `${each.entry.envelope.id} ${each.queue} ${model.stateOf(each)} ${each.count}`),
    ),
  );
}

async function assertSameEntries(model: ModelBus, read: Read): Promise<void> {
  const entries = (await read('readAll', [{ after: 0, limit: 10_000 }])) as readonly StreamEntry[];
  // A notice carries the store's own time.
  const content = (envelope: StreamEntry['envelope']): string =>
    envelope.envelope_type === 'dead_letter' ? envelope.id : canonicalJson(envelope);
  assert.deepEqual(
    entries.map(({ stream, seq, envelope }) => [stream, seq, content(envelope)]),
    model.entries.map(({ stream, seq, envelope }) => [stream, seq, content(envelope)]),
  );
  for (const [index, { position }] of entries.entries())
    assert.ok(index === 0 || position > entries[index - 1]!.position, 'positions grow');
  assert.deepEqual(await read('streams', []), [...new Set(model.entries.map(({ stream }) => stream))]);
  const last = model.entries.at(-1)?.stream;
  if (last !== undefined) assert.equal(await read('streamVersion', [last]), model.version(last));
}

async function assertSameQueues(model: ModelBus, read: Read): Promise<void> {
  const found = (await read('queues', [])) as readonly QueueStatistics[];
  const names = new Set(model.deliveries.map(({ queue }) => queue));
  const count = (queue: string, state: DeliveryStatus['state']): number =>
    model.deliveries.filter((each) => each.queue === queue && model.stateOf(each) === state).length;
  assert.deepEqual(
    found.map(({ queue, waiting, delayed, leased }) => [queue, waiting, delayed, leased]),
    sorted([...names]).map((queue) => [
      queue,
      count(queue, 'waiting'),
      count(queue, 'delayed'),
      count(queue, 'leased'),
    ]),
  );
}
