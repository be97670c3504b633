import assert from 'node:assert/strict';
import { unwrap } from '@agentcompany/protocol';
import type { AgentBus } from '../bus.ts';
import { derivedIdSync } from '../dead-letter-notice.ts';
import { walkRun } from './bus-programs.ts';
import { withStandingTimers } from './standing-timers.ts';
import { startBusProcess } from './start-bus-process.ts';
import {
  contractOf,
  ids,
  makeEnvelope,
  makeRun,
  openInstance,
  streamOf,
  type ContractOptions,
  type ContractStore,
} from './support.ts';
import { toilUnderKills } from './toiling.ts';
import { collect } from './watching.ts';

/** Fsynced steps of `walk`: its sends, the ends of three deliveries and of the notice of the dead one. */
const walkSteps = 5;

export interface BusProcessOptions extends ContractOptions {
  /** How many tasks are handled by processes that are killed again and again; 200 where absent. */
  readonly tasks?: number;
  /** Decides when they are killed; a new one where absent. A failure names it. */
  readonly seed?: number;
}

/**
 * What every adapter must do when several processes use one store, and when they are killed (DESIGN §4, §9). Starts processes with
 * `ContractStore.place`; a test takes up to a minute on a slow disk.
 */
export function busProcessContract(options: BusProcessOptions): void {
  const contract = contractOf(options);
  contract(
    'C3 C5 H12 two processes never take one delivery twice, and a watcher sees what both do in commit order',
    twoProcesses,
  );
  contract(
    'S75 H13 a process killed between claim and complete has spent a delivery; the next epoch gets the work',
    killedHolder,
  );
  contract('C3 what one process sends wakes a consumer in another, without any timer', wakesAcross);
  contract(
    'S65 S67 killed at any durable moment and started again, a run keeps what was acknowledged and ends once',
    async (_store, another) => {
      let crashAt = 0;
      for (let survived = false; !survived;) {
        crashAt += 1;
        survived = await walkKilledAt(await another(), crashAt);
      }
      assert.ok(
        crashAt - 1 >= 2 * walkSteps,
        `${crashAt - 1} durable moments were told, one before and one after each`,
      );
    },
  );
  const { tasks = 200, seed = Date.now() % 2 ** 31 } = options;
  contract('S65 S82 tasks handled by processes that are killed again and again reach one end each', async (store) => {
    try {
      await toilUnderKills(store, tasks, seed);
    } catch (cause) {
      throw new Error(`with seed ${seed}`, { cause });
    }
  });
}

async function twoProcesses(store: ContractStore): Promise<void> {
  const bus = await openInstance(store);
  const { run, envelopes } = makeRun(200);
  unwrap(await bus.send(envelopes.map((envelope) => ({ envelope }))));
  const watched = collect(bus, 0, 400);
  const processes = [1, 2].map(() => startBusProcess({ program: 'drain', place: store.place }));
  const outputs = await Promise.all(processes.map(({ ended }) => ended));
  for (const { lines } of outputs) assert.deepEqual(lines.at(-1), { ended: true }, 'no process fails');
  const handled = outputs.flatMap(({ lines }) => lines.flatMap((line) => ('handled' in line ? [line['handled']] : [])));
  assert.equal(handled.length, 200);
  assert.deepEqual(new Set(handled), new Set(envelopes.map(({ id }) => id)));
  const entries = await streamOf(bus, run);
  assert.deepEqual(
    entries.map(({ seq }) => seq),
    Array.from({ length: 400 }, (_unused, index) => index + 1),
  );
  assert.equal(new Set(entries.slice(200).map(({ envelope }) => envelope.inReplyTo)).size, 200);
  assert.deepEqual(ids(await watched), ids(entries));
}

async function killedHolder(store: ContractStore): Promise<void> {
  const bus = await openInstance(store);
  const envelope = makeEnvelope();
  unwrap(await bus.send([{ envelope }]));
  const { child, nextLine, ended } = startBusProcess({ program: 'hold', place: store.place });
  assert.deepEqual(await nextLine(), { held: envelope.id, epoch: 1, count: 1 });
  child.kill('SIGKILL');
  assert.equal((await ended).signal, 'SIGKILL');
  const [delivery] = unwrap(await bus.receive('workers', { max: 1, waitMs: 20_000, leaseMs: 1000 }));
  assert.deepEqual([delivery?.envelope.id, delivery?.epoch, delivery?.count], [envelope.id, 2, 2]);
}

async function wakesAcross(store: ContractStore): Promise<void> {
  const bus = await openInstance(store);
  await withStandingTimers(async () => {
    const receiving = bus.receive('workers', { max: 1, waitMs: 20_000, leaseMs: 1000 });
    const { ended } = startBusProcess({ program: 'send', place: store.place });
    assert.equal(unwrap(await receiving).length, 1);
    await ended;
  });
}

/** Kills `walk` at that durable moment, lets another one end the run, and compares. True when the moment was never reached. */
async function walkKilledAt(store: ContractStore, crashAt: number): Promise<boolean> {
  const first = await startBusProcess({ program: 'walk', place: store.place, crashAt }).ended;
  if (first.signal === null) assert.deepEqual(first.lines.at(-1), { ended: true }, `moment ${crashAt}: no failure`);
  const acknowledged = first.lines.flatMap((line) => (line['entries'] as [number, string][] | undefined) ?? []);
  const bus = await openInstance(store);
  const kept = (await streamOf(bus, walkRun)).map(({ seq, envelope }) => `${seq} ${envelope.id}`);
  for (const [seq, id] of acknowledged) assert.ok(kept.includes(`${seq} ${id}`), `moment ${crashAt}: ${seq} is kept`);
  await bus.close();
  const second = await startBusProcess({ program: 'walk', place: store.place }).ended;
  assert.deepEqual(second.lines.at(-1), { ended: true }, `moment ${crashAt}: the second start ends the run`);
  await assertWalked(await openInstance(store));
  return first.signal === null;
}

async function assertWalked(bus: AgentBus): Promise<void> {
  const entries = await streamOf(bus, walkRun);
  assert.deepEqual(
    entries.map(({ seq }) => seq),
    [1, 2, 3, 4, 5],
  );
  const walked = ['task', 'doomed', 'answer', 'end'].map((name) => derivedIdSync(`walk/${name}`));
  const notices = ids(entries.filter(({ envelope }) => envelope.envelope_type === 'dead_letter'));
  assert.equal(notices.length, 1);
  assert.deepEqual(ids(entries).toSorted(), [...walked, ...notices].toSorted());
  assert.deepEqual(ids(unwrap(await bus.deadLetters())), [walked[1]]);
  for (const { waiting, delayed, leased } of unwrap(await bus.queues()))
    assert.deepEqual([waiting, delayed, leased], [0, 0, 0]);
}
