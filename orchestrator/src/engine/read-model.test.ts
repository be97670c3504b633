import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentBus, StreamEntry } from '@agentcompany/agent-bus';
import { success, unwrap, type Plan } from '@agentcompany/protocol';
import canonicalize from 'canonicalize';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorOf, planOf } from '../company/testing/fixtures.ts';
import { Simulation } from '../company/testing/simulation.ts';
import type { World } from '../company/testing/world.ts';
import { ReadModel } from './read-model.ts';
import { altered, envelopeTo, ledgerOnDisk, submit, type LedgerOnDisk } from './testing/ledger-on-disk.ts';
import { newId } from '@agentcompany/protocol';

let ledger: LedgerOnDisk;
const models: ReadModel[] = [];
beforeEach(async () => void (ledger = await ledgerOnDisk()));
afterEach(async () => {
  for (const model of models.splice(0)) model.close();
  await ledger.remove();
});

function open(bus: AgentBus, name = 'company.db', place = 'here'): ReadModel {
  const model = unwrap(ReadModel.open(bus, join(ledger.folder, name), place));
  models.push(model);
  return model;
}

/** Puts a whole simulated run into the ledger, under an id of its own, and returns how to send its next `count` entries. */
function recorded(
  bus: AgentBus,
  plan: Plan,
  world: Partial<World> = {},
): { readonly runId: string; readonly play: (count?: number) => Promise<void> } {
  const { stream } = new Simulation({ plan, world }).proceed().ledger;
  const runId = newId();
  const ids = new Map(stream.map(({ id }, index) => [id, index === 0 ? runId : newId()]));
  const left = stream.map((envelope) => ({
    ...envelope,
    id: ids.get(envelope.id) ?? '',
    context: { ...envelope.context, run_id: runId },
    inReplyTo: envelope.inReplyTo === null ? null : (ids.get(envelope.inReplyTo) ?? null),
  }));
  const play = async (count = left.length): Promise<void> => {
    unwrap(await bus.send(left.splice(0, count).map((envelope) => ({ envelope, queue: null }))));
  };
  return { runId, play };
}

const failing: Partial<World> = { work: () => errorOf('AC_AGENT_MISSING', 'never') };

describe('the read model', () => {
  it('is the same, byte for byte, after it was thrown away and folded again, and RFC 8785', async () => {
    const bus = await ledger.open();
    const model = open(bus);
    const runs = [
      recorded(bus, planOf({ a: [], b: ['a'] })),
      recorded(bus, planOf({ z: [], y: [], x: ['z', 'y'] })),
      recorded(bus, planOf({ f: [] }), failing),
    ];
    // Grows by bits, the runs interleaved, as a company at work makes it.
    for (let turn = 0; turn < 12; turn += 1) {
      for (const run of runs) await run.play(3);
      unwrap(await model.refresh());
    }
    for (const run of runs) await run.play();
    unwrap(await bus.send([{ envelope: envelopeTo(newId(), 'ping', {}, { context: {} }), queue: null }]));
    unwrap(await model.refresh());
    const grown = model.export();
    expect(
      model
        .summaries()
        .map(({ state }) => state)
        .toSorted(),
    ).toStrictEqual(['needs_attention', 'published', 'published']);
    expect(unwrap(await model.rebuild())).toStrictEqual({ runs: 3 });
    expect(model.export()).toBe(grown);
    expect(canonicalize(JSON.parse(grown))).toBe(grown);
    const other = open(bus, 'other.db');
    unwrap(await other.refresh());
    expect(other.export()).toBe(grown);
    expect(JSON.stringify(other.summaries())).toBe(JSON.stringify(model.summaries()));
  });

  it('shows a run by id, by prefix, and among the open ones', async () => {
    const bus = await ledger.open();
    const model = open(bus);
    const runId = await submit(bus, planOf({ a: [] }));
    unwrap(await model.refresh());
    expect(model.view(runId)).toMatchObject({ run_id: runId, state: 'pending', project_id: 'shop' });
    expect(model.view('nobody')).toBeNull();
    expect([model.matching(runId.slice(0, 8)), model.matching('zzz'), model.open()]).toStrictEqual([
      [runId],
      [],
      [runId],
    ]);
    unwrap(
      await bus.send([
        { envelope: envelopeTo(runId, 'run_failed', { error: errorOf('AC_PLAN_MISSING', 'never') }), queue: null },
      ]),
    );
    unwrap(await model.refresh());
    expect([model.view(runId)?.state, model.open()]).toStrictEqual(['failed', []]);
  });

  it('takes in no stream that is not a run’s', async () => {
    const bus = await ledger.open();
    const model = open(bus);
    const runId = await submit(bus, null);
    unwrap(
      await bus.send([
        { envelope: envelopeTo(runId, 'task_progress', { attempt_id: 'a', message: 'm' }), queue: null },
        { envelope: envelopeTo(newId(), 'run_pause', { by: 'x' }), queue: null },
      ]),
    );
    unwrap(await model.refresh());
    expect(model.summaries().map(({ run_id: id }) => id)).toStrictEqual([runId]);
  });

  it('is never set back by a process that read less', async () => {
    const bus = await ledger.open();
    const runId = await submit(bus, planOf({ a: [] }));
    const ahead = open(bus);
    // This one has folded the run, and is overtaken before it stores what it saw.
    let isOvertaken = false;
    const slow = altered(bus, {
      readStream: async (...parameters) => {
        const read = await bus.readStream(...parameters);
        if (isOvertaken) return read;
        isOvertaken = true;
        unwrap(await bus.send([{ envelope: envelopeTo(runId, 'run_cancel', { by: 'x', reason: 'r' }), queue: null }]));
        unwrap(await ahead.refresh());
        return read;
      },
    });
    unwrap(await open(slow).refresh());
    expect([isOvertaken, ahead.view(runId)?.state]).toStrictEqual([true, 'cancelling']);
  });

  it('loses no run to a rebuild while another process takes in what is new', async () => {
    const bus = await ledger.open();
    const early = await submit(bus, planOf({ a: [] }));
    const rebuilding = open(bus);
    unwrap(await rebuilding.refresh());
    const late = await submit(bus, planOf({ a: [] }));
    let isRebuilt = false;
    const other = altered(bus, {
      readAll: async (...parameters) => {
        const read = await bus.readAll(...parameters);
        if (isRebuilt) return read;
        isRebuilt = true;
        // The other has read what is new and not yet stored it; the model is thrown away, and not yet made again.
        const dropped = altered(bus, { readAll: async () => success([]) });
        unwrap(await open(dropped).rebuild());
        return read;
      },
    });
    unwrap(await open(other).refresh());
    unwrap(await rebuilding.refresh());
    expect(rebuilding.summaries().map(({ run_id: id }) => id)).toStrictEqual([early, late].toSorted());
  });

  it('is made anew where its file is spoilt', async () => {
    const bus = await ledger.open();
    const runId = await submit(bus, null);
    await writeFile(join(ledger.folder, 'company.db'), 'what a power cut left'.repeat(1000));
    const model = open(bus);
    unwrap(await model.refresh());
    expect(model.view(runId)?.state).toBe('pending');
  });

  it('has no run that was dropped while nobody told it, and agrees with a rebuild byte for byte', async () => {
    const bus = await ledger.open();
    const early = open(bus);
    const [gone, kept] = [recorded(bus, planOf({ a: [] }), failing), recorded(bus, planOf({ b: [] }), failing)];
    await gone.play();
    await kept.play();
    unwrap(await early.refresh());
    unwrap(await bus.compact({ closedBefore: Number.MAX_SAFE_INTEGER, streams: [gone.runId] }));
    // What the process that dropped it died before.
    const late = open(bus);
    unwrap(await late.refresh());
    expect(late.summaries().map(({ run_id: id }) => id)).toStrictEqual([kept.runId]);
    const pruned = late.export();
    expect(unwrap(await late.rebuild())).toStrictEqual({ runs: 1 });
    expect(late.export()).toBe(pruned);
  });

  it('follows a ledger that was put back to an earlier day', async () => {
    const bus = await ledger.open();
    const run = recorded(bus, planOf({ a: [] }));
    await run.play(3);
    const before = open(bus, 'before.db');
    unwrap(await before.refresh());
    await run.play();
    const model = open(bus);
    unwrap(await model.refresh());
    const position = unwrap(await bus.readStream(run.runId, { after: 2, limit: 1 }))[0]?.position ?? 0;
    const known = (entries: readonly StreamEntry[]): readonly StreamEntry[] =>
      entries.filter((entry) => entry.position <= position);
    const restored = altered(bus, {
      lastPosition: async () => success(position),
      readAll: async (...parameters) => success(known(unwrap(await bus.readAll(...parameters)))),
      readStream: async (...parameters) => success(known(unwrap(await bus.readStream(...parameters)))),
    });
    const after = open(restored);
    unwrap(await after.refresh());
    expect(after.export()).toBe(before.export());
  });

  it('is made anew for another store, also under a process that has it open', async () => {
    const bus = await ledger.open();
    const runId = await submit(bus, null);
    const elsewhere = altered(bus, { readAll: async () => success([]), lastPosition: async () => success(0) });
    const first = open(bus);
    unwrap(await first.refresh());
    const second = open(elsewhere, 'company.db', 'elsewhere');
    unwrap(await second.refresh());
    expect(second.summaries()).toStrictEqual([]);
    unwrap(await first.refresh());
    expect(first.open()).toStrictEqual([runId]);
  });
});
