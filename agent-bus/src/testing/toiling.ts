import assert from 'node:assert/strict';
import { unwrap, type Envelope } from '@agentcompany/protocol';
import type { AgentBus, Completion, Delivery, OutgoingItem } from '../bus.ts';
import { derivedIdSync } from '../dead-letter-notice.ts';
import { printLine } from './print-line.ts';
import { startBusProcess } from './start-bus-process.ts';
import { ids, makeEnvelope, makeRun, openInstance, streamOf, type ContractStore } from './support.ts';

const queues = ['tasks', 'results'] as const;
const workers = 3;
/** A worker is killed when it has said between so many and twice as many lines. */
const fewestLines = 10;

/** What follows from an envelope; whoever handles it again sends the very same. */
function consequence({ envelope, queue }: Delivery): readonly OutgoingItem[] {
  const answer = makeEnvelope({
    id: derivedIdSync(`toil/${envelope.id}`),
    context: envelope.context,
    inReplyTo: envelope.id,
  });
  return [{ envelope: answer, queue: queue === 'tasks' ? 'results' : null }];
}

/** All in one step where the number is even, else one by one. What another worker was given in the meantime is its own. */
async function finish(bus: AgentBus, deliveries: readonly Delivery[]): Promise<void> {
  const completions: readonly Completion[] = deliveries.map((delivery) => ({ delivery, items: consequence(delivery) }));
  const steps = completions.length % 2 === 0 ? [completions] : completions.map((completion) => [completion]);
  for (const step of steps) {
    const result = await bus.completeMany(step);
    if (!result.ok && result.error.code !== 'AC_BUS_STALE_LEASE') unwrap(result);
    printLine({ finished: step.length, ok: result.ok });
  }
}

/** Handles tasks and their results until nothing is open. */
export async function toil(bus: AgentBus): Promise<void> {
  const isOpen = async (): Promise<boolean> =>
    unwrap(await bus.queues()).some(({ waiting, delayed, leased }) => waiting + delayed + leased > 0);
  while (await isOpen()) {
    for (const queue of queues) {
      const deliveries = unwrap(await bus.receive(queue, { max: 4, waitMs: 20, leaseMs: 2000 }));
      if (deliveries.length > 0) await finish(bus, deliveries);
    }
  }
}

/** Numbers from 0 to 1 that follow from the seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Kills one worker after another until one finds nothing left to do; the number of kills. */
async function killedWorkers(store: ContractStore, random: () => number): Promise<number> {
  for (let kills = 0; ; kills += 1) {
    const { child, nextLine, ended } = startBusProcess({ program: 'toil', place: store.place });
    const lines = fewestLines + Math.floor(random() * fewestLines);
    for (let line = 0; line < lines; line += 1) if ((await nextLine()) === null) break;
    child.kill('SIGKILL');
    const { lines: all, signal } = await ended;
    if (all.at(-1)?.['ended'] === true) return kills;
    assert.equal(signal, 'SIGKILL', 'a worker that is not killed ends by itself, when nothing is left to do');
  }
}

/** The bus's part of the soak: work done by processes that are killed again and again reaches one end, nothing lost or doubled. */
export async function toilUnderKills(store: ContractStore, tasks: number, seed: number): Promise<void> {
  const bus = await openInstance(store);
  const { run, envelopes } = makeRun(tasks, { recipient: 'tasks' });
  unwrap(await bus.send(envelopes.map((envelope) => ({ envelope }))));
  const kills = await Promise.all(
    Array.from({ length: workers }, (_unused, index) => killedWorkers(store, randomFrom(seed + index))),
  );
  assert.ok(kills.reduce((sum, each) => sum + each, 0) > 0, 'workers were killed');
  const entries = await streamOf(bus, run);
  assert.deepEqual(
    entries.map(({ seq }) => seq),
    Array.from({ length: 3 * tasks }, (_unused, index) => index + 1),
  );
  const follow = (envelope: Envelope): string => derivedIdSync(`toil/${envelope.id}`);
  const results = envelopes.map(follow);
  const ends = results.map((id) => derivedIdSync(`toil/${id}`));
  assert.deepEqual(new Set(ids(entries)), new Set([...envelopes.map(({ id }) => id), ...results, ...ends]));
  assert.deepEqual(unwrap(await bus.deadLetters()), []);
  const states = unwrap(await bus.deliveries([...envelopes.map(({ id }) => id), ...results])).map(({ state }) => state);
  assert.deepEqual(
    states,
    states.map(() => 'done'),
  );
}
