import { unwrap, type Envelope } from '@agentcompany/protocol';
import type { AgentBus, Delivery } from '../bus.ts';
import { claim, claimOne, lease, makeEnvelope, makeRun, sendAll, testError, type TestClock } from './support.ts';

const day = 86_400_000;

/** What a furnished bus holds, for whoever looks for it in a copy. */
export interface Furnishings {
  /** Its stream was compacted away; its id is still known. */
  readonly forgotten: Envelope;
  /** What queue `workers` gives, in this order. */
  readonly workers: readonly Envelope[];
  /** Delayed in queue `timers` for a day. */
  readonly delayed: Envelope;
  /** Held in queue `held` at the second try. */
  readonly held: Delivery;
  readonly done: Envelope;
  /** A dead letter of queue `broken`. */
  readonly buried: Envelope;
  /** The last epoch of the named lease `engine`. */
  readonly epoch: number;
}

async function compactedRun(bus: AgentBus, clock: TestClock): Promise<Envelope> {
  const forgotten = makeEnvelope({ recipient: 'brief' });
  await sendAll(bus, [forgotten]);
  unwrap(await bus.complete(await claimOne(bus, 'brief'), []));
  clock.advance(day);
  unwrap(await bus.compact({ closedBefore: clock.value, streams: [forgotten.context.run_id!] }));
  return forgotten;
}

/** Buries two of three and puts them back in another order, so that places are not positions. */
async function reorderedQueue(bus: AgentBus): Promise<readonly Envelope[]> {
  const { envelopes } = makeRun(4, {
    payload: JSON.parse('{"b":1,"10":2,"2":3,"__proto__":[4],"":"\\ud800"}') as Envelope['payload'],
  });
  await sendAll(bus, envelopes.slice(0, 3));
  for (const delivery of await claim(bus, 'workers', 2)) unwrap(await bus.reject(delivery, testError, []));
  const letters = unwrap(await bus.deadLetters());
  for (const { id } of letters.toReversed()) unwrap(await bus.requeue(id));
  unwrap(await bus.send([{ envelope: envelopes[3]! }]));
  for (const notice of await claim(bus, 'engine')) unwrap(await bus.complete(notice, []));
  const requeued = letters.toReversed().map(({ envelope }) => envelope);
  return [envelopes[2]!, ...requeued, envelopes[3]!];
}

/** Fills an empty bus with something of every kind and state. */
export async function furnish(bus: AgentBus, clock: TestClock): Promise<Furnishings> {
  const forgotten = await compactedRun(bus, clock);
  const workers = await reorderedQueue(bus);
  const [delayed, tried, done, buried] = makeRun(4).envelopes;
  unwrap(await bus.send([{ envelope: delayed!, queue: 'timers', notBefore: clock.value + day }]));
  unwrap(
    await bus.send([
      { envelope: tried!, queue: 'held' },
      { envelope: done!, queue: 'short' },
      { envelope: buried!, queue: 'broken' },
    ]),
  );
  await claimOne(bus, 'held', lease);
  clock.advance(2 * lease);
  const held = await claimOne(bus, 'held', lease);
  unwrap(
    await bus.complete(await claimOne(bus, 'short'), [
      { envelope: makeEnvelope({ context: done!.context, envelope_type: 'task_progress' }), queue: null },
    ]),
  );
  unwrap(
    await bus.reject(await claimOne(bus, 'broken'), testError, [
      { envelope: makeEnvelope({ context: {} }), queue: null },
    ]),
  );
  const first = unwrap(await bus.acquireLease('engine', 'one', lease));
  unwrap(await bus.releaseLease('engine', first.token));
  const { epoch } = unwrap(await bus.acquireLease('engine', 'two', lease));
  return { forgotten, workers, delayed: delayed!, held, done: done!, buried: buried!, epoch };
}
