import type { AgentBus } from '@agentcompany/agent-bus';
import { newId, unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Run } from '../company/records.ts';
import { planOf } from '../company/testing/fixtures.ts';
import { decideForever, settle, type DeciderOptions } from './decider.ts';
import { RunFolds } from './run-folds.ts';
import { altered, envelopeTo, ledgerOnDisk, submit, typesOf, type LedgerOnDisk } from './testing/ledger-on-disk.ts';

let ledger: LedgerOnDisk;
const stops: AbortController[] = [];
beforeEach(async () => void (ledger = await ledgerOnDisk()));
afterEach(async () => {
  for (const stop of stops.splice(0)) stop.abort();
  await ledger.remove();
});

interface Deciding {
  readonly options: DeciderOptions;
  /** Resolves with the run once it has been decided and `holds`. */
  readonly until: (holds: (run: Run) => boolean) => Promise<Run>;
}

function deciding(bus: AgentBus): Deciding {
  const stop = new AbortController();
  stops.push(stop);
  const waiting = new Set<(run: Run) => void>();
  const onDecided = (run: Run): void => waiting.forEach((tell) => tell(run));
  const options = {
    bus,
    folds: new RunFolds(bus),
    leaseMs: 60_000,
    signal: stop.signal,
    log: () => undefined,
    onDecided,
  };
  const until = (holds: (run: Run) => boolean): Promise<Run> =>
    new Promise((resolve) => {
      waiting.add((run) => holds(run) && resolve(run));
    });
  return { options, until };
}

const plan = planOf({ a: [], b: [], c: ['a'] });
const taskPlan = { revision: 1, base_oid: 'base', plan, hash: 'h' };

describe('the decider', () => {
  it('takes an instruction, asks for a plan, and assigns what is ready', async () => {
    const bus = await ledger.open();
    const { options, until } = deciding(bus);
    const looping = decideForever(options);
    const planning = until((run) => run.state === 'planning');
    const runId = await submit(bus, plan);
    await planning;
    const running = until((run) => run.counts.assigned === 2);
    unwrap(await bus.send([{ envelope: envelopeTo(runId, 'task_plan', taskPlan) }]));
    await running;
    expect(await typesOf(bus, runId)).toStrictEqual([
      'task_submit',
      'plan_request',
      'task_plan',
      'run_state',
      'task_state',
      'task_assign',
      'task_state',
      'task_assign',
    ]);
    options.signal.throwIfAborted();
    stops.forEach((stop) => stop.abort());
    expect(await looping).toStrictEqual({ ok: true, value: undefined });
  });

  it('decides once where two race: the one whose step is refused folds again', async () => {
    const buses = [await ledger.open(), await ledger.open()] as const;
    const runs = await Promise.all(Array.from({ length: 20 }, () => submit(buses[0], plan)));
    const refused: string[] = [];
    // Nobody sends a first step before both have decided on the same state.
    const meetings = new Map(runs.map((id) => [id, { arrived: 0, both: Promise.withResolvers<undefined>() }]));
    const racers = buses.map((bus) => {
      const watched = altered(bus, {
        send: async (...parameters) => {
          const meeting = meetings.get(parameters[0][0]?.envelope.context.run_id ?? '');
          if (meeting !== undefined && ++meeting.arrived === 2) meeting.both.resolve(undefined);
          await meeting?.both.promise;
          const sent = await bus.send(...parameters);
          if (!sent.ok) refused.push(sent.error.code);
          return sent;
        },
      });
      return deciding(watched);
    });
    const results = await Promise.all(racers.flatMap(({ options }) => runs.map((id) => settle(options, id))));
    expect(results.every(({ ok }) => ok)).toBe(true);
    for (const id of runs) expect(await typesOf(buses[0], id)).toStrictEqual(['task_submit', 'plan_request']);
    expect(new Set(refused)).toStrictEqual(new Set(['AC_BUS_CONFLICT']));
  });

  it('keeps what others folded meanwhile for the next decision when its step is refused', async () => {
    const bus = await ledger.open();
    const runId = await submit(bus, plan);
    const { options } = deciding(bus);
    unwrap(await settle(options, runId));
    unwrap(await bus.send([{ envelope: envelopeTo(runId, 'task_plan', taskPlan), queue: null }]));
    // Somebody else appends between the second decision, which assigns, and its step.
    let sends = 0;
    const interfering = altered(bus, {
      send: async (...parameters) => {
        sends += 1;
        if (sends === 2)
          unwrap(await bus.send([{ envelope: envelopeTo(runId, 'task_note', { note: 'wait' }), queue: null }]));
        return bus.send(...parameters);
      },
    });
    unwrap(await settle({ ...options, bus: interfering }, runId));
    const run = unwrap(await options.folds.refresh(runId));
    expect([run?.state, run?.counts.assigned, run?.refused]).toStrictEqual(['running', 2, 0]);
  });

  it('folds and decides again when the stream moved on under its step', async () => {
    const bus = await ledger.open();
    const runId = await submit(bus, plan);
    const codes: string[] = [];
    const complete: AgentBus['complete'] = async (delivery, items, options) => {
      const note = envelopeTo(runId, 'task_note', { note: 'meanwhile' });
      if (codes.length === 0) unwrap(await bus.send([{ envelope: note, queue: null }]));
      const completed = await bus.complete(delivery, items, options);
      codes.push(completed.ok ? 'done' : completed.error.code);
      return completed;
    };
    const { options, until } = deciding(altered(bus, { complete }));
    const planning = until((run) => run.state === 'planning');
    const looping = decideForever(options);
    await planning;
    stops.forEach((stop) => stop.abort());
    expect(await looping).toMatchObject({ ok: true });
    expect(codes).toStrictEqual(['AC_BUS_CONFLICT', 'done']);
    expect(await typesOf(bus, runId)).toStrictEqual(['task_submit', 'task_note', 'plan_request']);
  });

  it('decides again with the same ids what a crash cut off before it was durable', async () => {
    const ids: string[][] = [];
    const dying: AgentBus = await ledger.open();
    const runId = await submit(dying, plan);
    const crash = (bus: AgentBus): AgentBus =>
      altered(bus, {
        complete: async (_, items) => {
          ids.push(items.map(({ envelope }) => envelope.id));
          throw new Error('the process dies here');
        },
      });
    await expect(decideForever(deciding(crash(dying)).options)).rejects.toThrow('dies here');
    await dying.close();
    // The dead process's lease lapses: the store's clock is past it.
    const bus = await ledger.open({ ahead: 120_000 });
    const { options, until } = deciding(bus);
    const planned = until((run) => run.state === 'planning');
    const looping = decideForever(options);
    await planned;
    stops.forEach((stop) => stop.abort());
    await looping;
    const entries = unwrap(await bus.readStream(runId, { after: 1 }));
    expect(entries.map(({ envelope }) => envelope.id)).toStrictEqual(ids[0]);
    expect(entries).toHaveLength(1);
  });

  it('buries what names a run that does not exist, and works on', async () => {
    const bus = await ledger.open();
    const { options, until } = deciding(bus);
    const looping = decideForever(options);
    const ghost = newId();
    unwrap(
      await bus.send([
        { envelope: envelopeTo(ghost, 'run_pause', { by: 'x' }) },
        { envelope: envelopeTo(ghost, 'ping', {}, { context: {} }) },
        { envelope: envelopeTo(ghost, 'dead_letter', {}, { context: {} }) },
      ]),
    );
    const planning = until((run) => run.state === 'planning');
    await submit(bus, plan);
    await planning;
    stops.forEach((stop) => stop.abort());
    await looping;
    const dead = unwrap(await bus.deadLetters());
    expect(dead.map(({ error }) => error.code)).toContain('AC_STREAM_UNKNOWN');
    expect(dead.filter(({ envelope }) => envelope.envelope_type === 'run_pause')).toHaveLength(1);
    expect(dead.filter(({ envelope }) => envelope.envelope_type === 'ping')).toHaveLength(1);
    const notices = dead.filter(({ envelope }) => envelope.envelope_type === 'dead_letter');
    expect(notices.filter(({ envelope }) => envelope.context.run_id === undefined)).toHaveLength(0);
  });

  it('tells a person of a task whose assignment was buried', async () => {
    const bus = await ledger.open();
    const { options, until } = deciding(bus);
    const looping = decideForever(options);
    const planning = until((run) => run.state === 'planning');
    const runId = await submit(bus, planOf({ a: [] }));
    await planning;
    unwrap(await bus.send([{ envelope: envelopeTo(runId, 'task_plan', { ...taskPlan, plan: planOf({ a: [] }) }) }]));
    const assignment = unwrap(await bus.receive('workers', { max: 1, waitMs: 5000, leaseMs: 60_000 }))[0];
    if (assignment === undefined) throw new Error('nothing was assigned');
    const stuck = until((run) => run.state === 'needs_attention');
    const reason = { code: 'AC_DOOR_LOST', message: 'no', cause: null, remedy: 'r', retry: 'never' as const };
    unwrap(await bus.reject(assignment, reason, []));
    expect((await stuck).tasks.get('a')?.error?.code).toBe('AC_DOOR_LOST');
    stops.forEach((stop) => stop.abort());
    await looping;
  });
});
