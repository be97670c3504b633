import type { EnvelopeType } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { openRun } from '../../company/fold.ts';
import type { Run, TaskRecord } from '../../company/records.ts';
import { planOf, settingsOf } from '../../company/testing/fixtures.ts';
import { envelopeTo } from '../../engine/testing/ledger-on-disk.ts';
import { readTurns, RecordedTurns, type Turn } from './recorded-turns.ts';

const id = '0198c5f2-0000-7000-8000-000000000001';

/** A run whose tasks stand like this. */
function sketch(tasks: Readonly<Record<string, Partial<TaskRecord>>>): Run {
  const payload = { project_id: 'shop', instruction: 'Do.', plan: null, settings: settingsOf({}) };
  const run = openRun(envelopeTo(id, 'task_submit', payload, { id }));
  if (run === null) throw new Error('no run');
  for (const spec of planOf(Object.fromEntries(Object.keys(tasks).map((name) => [name, []]))).tasks) {
    const none = { attemptId: null, approvalId: null, conflicts: null, supersededBy: null, rounds: 1 };
    run.tasks.set(spec.id, { spec, state: 'assigned', ...none, ...tasks[spec.id] } as TaskRecord);
  }
  return run;
}

const turns: readonly Turn[] = [
  { kind: 'start', taskId: 'a', round: 1 },
  { kind: 'start', taskId: 'b', round: 1 },
  { kind: 'merge', taskId: 'b' },
  { kind: 'start', taskId: 'c', round: 1 },
  { kind: 'merge', taskId: 'a' },
];
const at = { attemptId: 'one' };

describe('the turns of a run', () => {
  it('are read in their order; of attempts that were lost the last counts', () => {
    const started = (taskId: string, round: number) => {
      const identity = { attempt_id: id, round, epoch: 1, host_id: 'h', slot: 'worker-001', base_oid: 'base' };
      return entry('attempt_started', identity, taskId);
    };
    const entry = (type: EnvelopeType, payload: Readonly<Record<string, unknown>>, taskId: string) =>
      envelopeTo(id, type, payload, { context: { run_id: id, task_id: taskId } });
    const merged = (taskId: string) => entry('merge_complete', {}, taskId);
    const read = readTurns([started('a', 1), started('b', 1), merged('b'), started('a', 1), merged('a')]);
    expect(read.map((turn) => `${turn.kind} ${turn.taskId}`)).toEqual(['start b', 'merge b', 'start a', 'merge a']);
  });

  it('let what took its base between the same merges begin in any order, and hold back the others', () => {
    const held = new RecordedTurns(turns);
    const fresh = sketch({ a: {}, b: {}, c: {} });
    expect(['a', 'b', 'c'].map((task) => held.mayStart(fresh, task, 1))).toEqual([true, true, false]);
    const merged = sketch({ a: { state: 'running', ...at }, b: { state: 'merged', ...at }, c: {} });
    expect(held.mayStart(merged, 'c', 1)).toBe(true);
  });

  it('let a result be joined once those before it are, and all that stood on the same base have begun', () => {
    const held = new RecordedTurns(turns);
    const may = (tasks: Parameters<typeof sketch>[0], task: string): boolean => held.mayMerge(sketch(tasks), task);
    expect(may({ a: {}, b: { state: 'merging', ...at }, c: {} }, 'b')).toBe(false);
    expect(may({ a: { state: 'running', ...at }, b: { state: 'merging', ...at }, c: {} }, 'b')).toBe(true);
    const early = { a: { state: 'merging', ...at }, b: { state: 'running', ...at }, c: {} } as const;
    expect(may(early, 'a')).toBe(false);
    // A conflict was its turn as well.
    const conflicted = {
      ...early,
      b: { state: 'merging', conflicts: ['x'], ...at },
      c: { state: 'running', ...at },
    } as const;
    expect(may(conflicted, 'a')).toBe(true);
    // What was never recorded waits for nothing.
    expect(may({ ...early, d: { state: 'merging', ...at } }, 'd')).toBe(true);
  });

  it('are given up where nothing can move for their sake, not while something does', () => {
    let now = 0;
    const held = new RecordedTurns(turns, undefined, () => now);
    const mayMerge = (b: Partial<TaskRecord>): boolean => {
      now += 2000;
      return held.mayMerge(sketch({ a: { state: 'merging', ...at }, b, c: { state: 'blocked' } }), 'a');
    };
    const stuck = { state: 'failed', ...at } as const;
    expect([mayMerge(stuck), mayMerge({ state: 'running', ...at })]).toEqual([false, false]);
    expect([mayMerge(stuck), mayMerge(stuck), held.isGivenUp, mayMerge(stuck)]).toEqual([false, false, false, true]);
    expect([held.isGivenUp, held.mayStart(sketch({ c: {} }), 'c', 1)]).toEqual([true, true]);
  });

  it('hold what a person acted before, and give that up after a while where it may be in the way', async () => {
    let now = 0;
    let holding = true;
    const people = {
      holds: (key: string) => holding && key === 'finish a 1',
      holdsAnswerOf: (task: string) => task === 'b',
      giveUp: async () => void (holding = false),
    };
    const held = new RecordedTurns(turns, people, () => now);
    const waiting = sketch({ a: { state: 'running', ...at }, b: { state: 'running', ...at } });
    expect([
      held.isHolding(waiting),
      held.mayGoOn(waiting, 'finish', 'a'),
      held.mayGoOn(waiting, 'finish', 'b'),
    ]).toEqual([true, false, true]);
    now = 29_000;
    expect(held.mayGoOn(waiting, 'finish', 'a')).toBe(false);
    // Something happened: it is looked at anew.
    waiting.version += 1;
    now = 31_000;
    held.look(waiting);
    now = 60_000;
    expect([held.mayGoOn(waiting, 'finish', 'a'), held.isGivenUp]).toEqual([false, false]);
    now = 62_000;
    expect([held.mayGoOn(waiting, 'finish', 'a'), held.isGivenUp, holding]).toEqual([true, true, false]);
  });
});
