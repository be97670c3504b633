import { envelopeTypes, type Envelope, type EnvelopeType } from '@agentcompany/protocol';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from './decide/decide.ts';
import { fold, openRun } from './fold.ts';
import type { Run, TaskRecord } from './records.ts';
import { runTable } from './run-table.ts';
import { runStates, taskStates } from './states.ts';
import { taskTable } from './task-table.ts';
import { assignmentId, attemptId, examples, examplesOf, workingRun } from './testing/examples.ts';
import { envelopeOf, openedRun, planOf, submission, task as taskSpec } from './testing/fixtures.ts';
import { nextState } from './transitions.ts';

const movesRun = (type: EnvelopeType): boolean => Object.values(runTable).some((row) => type in row);
const movesTask = (type: EnvelopeType): boolean => Object.values(taskTable).some((row) => type in row);

/** About task `a`, its attempt and its assignment, so that only the state can speak against it. */
function aboutTask(type: EnvelopeType, payload: Readonly<Record<string, unknown>>): Envelope {
  return envelopeOf(type, payload, { taskId: 'a', attemptId, inReplyTo: assignmentId });
}

describe('a run in each state', () => {
  const pairs = runStates.flatMap((state) =>
    envelopeTypes.filter((type) => movesRun(type) && type !== 'task_submit').map((type) => [state, type] as const),
  );

  it.each(pairs)('%s takes %s as its table says, or stays as it is', (state, type) => {
    for (const payload of examplesOf(type)) {
      const { run } = workingRun();
      run.state = state;
      run.returnsTo = 'verifying';
      const plan = type === 'approval_request' ? { ...payload, subject: 'plan', task_id: null } : payload;
      fold(run, run.version + 1, envelopeOf(type, plan));
      const resumed = state === 'running' ? 'running' : 'verifying';
      const wanted = type === 'run_state' ? String(payload['to']) : type === 'run_resume' ? resumed : undefined;
      const next = nextState(runTable, state, type, wanted);
      // An end that is told too early is kept for when the run is published.
      const isKept = state === 'publishing' && type === 'run_complete';
      expect([run.state, run.refused]).toStrictEqual(next === null ? [state, isKept ? 0 : 1] : [next, 0]);
    }
  });
});

describe('a task in each state', () => {
  const pairs = taskStates.flatMap((state) =>
    envelopeTypes.filter((type) => movesTask(type) && type !== 'task_plan').map((type) => [state, type] as const),
  );

  it.each(pairs)('%s takes %s as its table says, or stays as it is', (state, type) => {
    for (const payload of examplesOf(type)) {
      const { run, task } = workingRun();
      setState(run, task, state);
      if (type === 'attempt_started' && state === 'assigned') task.attemptId = null;
      fold(run, run.version + 1, aboutTask(type, payload));
      const retired = state === 'running' ? 'cancelling' : 'cancelled';
      const wanted = type === 'task_state' ? String(payload['to']) : type === 'plan_revision' ? retired : undefined;
      const next = nextState(taskTable, state, type, wanted);
      // A failed attempt is taken note of without moving its task: what follows is the engine's word.
      const isNoted = type === 'task_failed' && next === null;
      expect([task.state, run.refused]).toStrictEqual(next === null ? [state, isNoted ? 0 : 1] : [next, 0]);
    }
  });

  function setState(run: Run, task: TaskRecord, state: TaskRecord['state']): void {
    run.counts[task.state] -= 1;
    run.counts[state] += 1;
    task.state = state;
  }
});

describe('what a stream may hold', () => {
  const names = fc.constantFrom('a', 'b', 'z', 'a2', 'attempt-1', 'attempt-2', 'base', '', '__proto__');
  const noise = fc.oneof(fc.object({ maxDepth: 3 }), fc.constant({})) as fc.Arbitrary<Record<string, unknown>>;
  /** A valid payload of the type, one with a field spoilt, or noise. */
  const envelopes = fc.constantFrom(...envelopeTypes).chain((type) =>
    fc
      .record({
        payload: fc.oneof(
          fc.constantFrom(...examplesOf(type)),
          noise,
          fc
            .tuple(
              fc.constantFrom(...examplesOf(type)),
              fc.constantFrom(...Object.keys(examples[type]), 'x'),
              fc.oneof(names, fc.anything()),
            )
            .map(([example, field, value]) => ({ ...example, [field]: value })),
        ),
        taskId: names,
        attempt: names,
      })
      .map(({ payload, taskId, attempt }) =>
        envelopeOf(type, payload, { taskId, attemptId: attempt, inReplyTo: assignmentId }),
      ),
  );

  it('never makes the fold or a decision throw, nor upsets the counts', () => {
    fc.assert(
      fc.property(fc.array(envelopes, { maxLength: 60 }), fc.boolean(), (stream, isAtWork) => {
        const run = isAtWork ? workingRun().run : openedRun(planOf({ a: [], b: ['a'] }));
        for (const envelope of stream) {
          const version = run.version;
          fold(run, version + 1, envelope);
          expect(run.version).toBe(version + 1);
          decide(run);
        }
        for (const state of taskStates) {
          expect(run.counts[state]).toBe([...run.tasks.values()].filter((task) => task.state === state).length);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('opens a run with a valid submission and nothing else', () => {
    fc.assert(
      fc.property(envelopes, (envelope) => {
        const opened = openRun(envelope);
        expect(opened === null || envelope.envelope_type === 'task_submit').toBe(true);
      }),
    );
    expect(openRun(submission(null))?.state).toBe('pending');
  });

  it('is folded in order: an entry that does not follow is a bug', () => {
    const { run } = workingRun();
    expect(() => fold(run, run.version + 2, envelopeOf('ping', {}))).toThrow(/does not follow/);
  });
});

describe('a plan or revision that cannot be', () => {
  const planning = (): Run => {
    const run = openedRun(null);
    fold(run, 2, envelopeOf('plan_request', examples.plan_request));
    return run;
  };

  it.each([
    ['is empty', planOf({})],
    ['has a cycle', planOf({ a: ['b'], b: ['a'] })],
    ['has unknown dependencies', planOf({ a: ['nowhere'] })],
    ['has a task twice', { ...planOf({}), tasks: [taskSpec('a'), taskSpec('a')] }],
  ])('is refused whole when it %s', (_, plan) => {
    const run = planning();
    fold(run, 3, envelopeOf('task_plan', { ...examples.task_plan, plan }));
    expect([run.plan, run.tasks.size, run.refused]).toStrictEqual([null, 0, 1]);
  });

  it.each([
    ['a name that is taken', { add: [taskSpec('b')], supersede: [{ task_id: 'a', by: 'b' }] }],
    ['itself as its successor', { add: [], supersede: [{ task_id: 'a', by: 'a' }] }],
    ['an unknown task', { add: [taskSpec('n')], supersede: [{ task_id: 'nobody', by: 'n' }] }],
    ['an unknown dependency', { add: [taskSpec('n', { depends_on: ['nobody'] })], supersede: [] }],
    [
      'one task twice',
      {
        add: [taskSpec('n'), taskSpec('m')],
        supersede: [
          { task_id: 'b', by: 'n' },
          { task_id: 'b', by: 'm' },
        ],
      },
    ],
    [
      'a successor that it does not add, beside one that it does',
      {
        add: [taskSpec('n')],
        supersede: [
          { task_id: 'b', by: 'n' },
          { task_id: 'a', by: 'm' },
        ],
      },
    ],
    ['a number that is not next', { revision: 3, add: [taskSpec('n')], supersede: [] }],
  ])('is refused whole when it names %s', (_, revision) => {
    const { run } = workingRun();
    fold(run, run.version + 1, envelopeOf('plan_revision', { ...examples.plan_revision, ...revision }));
    expect([run.revision, run.refused]).toStrictEqual([1, 1]);
    expect([...run.tasks.values()].map(({ spec, state }) => [spec.id, state])).toStrictEqual([
      ['a', 'running'],
      ['b', 'pending'],
    ]);
  });
});

describe('the result of an effect', () => {
  it.each([
    ['both outcome and error', { error: examples.run_failed['error'] }],
    ['neither outcome nor error', { outcome: null }],
    ['an outcome of another kind', { outcome: { kind: 'container', container_id: 'c' } }],
  ])('with %s counts for nothing', (_, spoilt) => {
    const { run } = workingRun();
    fold(run, run.version + 1, envelopeOf('effect_request', examples.effect_request));
    fold(run, run.version + 1, envelopeOf('effect_result', { ...examples.effect_result, ...spoilt }));
    expect([run.effects.get('run/push')?.done, run.refused]).toStrictEqual([false, 1]);
    fold(run, run.version + 1, envelopeOf('effect_result', examples.effect_result));
    expect([run.effects.get('run/push')?.done, run.refused]).toStrictEqual([true, 1]);
  });
});
