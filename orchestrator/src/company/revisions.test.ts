import type { PlanRevision } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { currentPlan } from './current-plan.ts';
import { fold } from './fold.ts';
import type { Run } from './records.ts';
import { findRevisionProblem } from './revision-check.ts';
import { runStates, taskStates, type TaskState } from './states.ts';
import { envelopeOf, planOf, task } from './testing/fixtures.ts';
import { workingRun } from './testing/examples.ts';
import { Simulation } from './testing/simulation.ts';

function revisionOf(run: Run, more: Partial<PlanRevision>): PlanRevision {
  const { revision } = run;
  return {
    revision: revision + 1,
    reason: 'my wish',
    by: 'president',
    add: [],
    supersede: [],
    feedback: null,
    ...more,
  };
}

function take(run: Run, more: Partial<PlanRevision>): string | null {
  const revision = revisionOf(run, more);
  const problem = findRevisionProblem(run, revision);
  const before = run.revision;
  fold(run, run.version + 1, envelopeOf('plan_revision', revision));
  // The check and the fold are one rule.
  expect([run.revision, run.refused]).toEqual(problem === null ? [before + 1, 0] : [before, 1]);
  return problem?.code ?? null;
}

describe('a revision that a person asks for', () => {
  it('changes what has not started, adds, and takes away, all in one step', () => {
    const { run } = workingRun();
    const change = [task('b', { title: 'Better', depends_on: ['c'] })];
    expect(
      take(run, { add: [task('c')], change, plan: { title: 'New', summary: 's', verify: ['check'] }, hash: 'h2' }),
    ).toBe(null);
    expect(run.tasks.get('b')).toMatchObject({
      spec: { title: 'Better', depends_on: ['c'] },
      state: 'pending',
      revision: 2,
    });
    expect([run.plan?.title, run.plan?.verify, run.planHash]).toEqual(['New', ['check'], 'h2']);
    expect([run.dependants.get('a'), run.dependants.get('c')]).toEqual([[], ['b']]);
    expect(take(run, { remove: ['b'] })).toBe(null);
    expect([run.tasks.get('b')?.state, currentPlan(run)?.tasks.map(({ id }) => id)]).toEqual(['cancelled', ['a', 'c']]);
    expect(run.reopenings).toBe(0);
  });

  it('supersedes what has started: its host has to let go, and whoever waited for it waits for the new one', () => {
    const { run, task: started } = workingRun();
    expect(take(run, { add: [task('a2')], supersede: [{ task_id: 'a', by: 'a2' }] })).toBe(null);
    expect([started.state, started.supersededBy]).toEqual(['cancelling', 'a2']);
    expect(currentPlan(run)?.tasks).toMatchObject([{ id: 'b', depends_on: ['a2'] }, { id: 'a2' }]);
  });

  it('does not count what its host has yet to let go of', () => {
    const { run } = workingRun();
    expect(take(run, { change: [task('b')], remove: ['a'] })).toBe(null);
    expect([run.tasks.get('a')?.state, currentPlan(run)?.tasks.map(({ id }) => id)]).toEqual(['cancelling', ['b']]);
    expect(take(run, { remove: ['b'] })).toBe('AC_PLAN_EMPTY');
  });

  it('adds what waits for a task that was superseded: its successor is the one that wakes it', () => {
    const { run } = workingRun();
    expect(take(run, { add: [task('a2')], supersede: [{ task_id: 'a', by: 'a2' }] })).toBe(null);
    expect(take(run, { add: [task('c', { depends_on: ['a'] })] })).toBe(null);
    expect(run.dependants.get('a2')).toEqual(['b', 'c']);
  });

  it.each([
    ['AC_REVISION_STARTED', { change: [task('a', { title: 'Other' })] }],
    ['AC_REVISION_NAME_TAKEN', { add: [task('b')] }],
    ['AC_REVISION_NAME_TAKEN', { add: [task('c'), task('c')] }],
    ['AC_REVISION_TASK_UNKNOWN', { remove: ['nobody'] }],
    ['AC_REVISION_TASK_UNKNOWN', { change: [task('nobody')] }],
    ['AC_REVISION_TASK_UNKNOWN', { remove: ['b'], change: [task('b')] }],
    ['AC_REVISION_TASK_UNKNOWN', { supersede: [{ task_id: 'b', by: 'c' }] }],
    ['AC_REVISION_EMPTY', {}],
    ['AC_PLAN_UNKNOWN_DEPENDENCY', { remove: ['a'] }],
    ['AC_PLAN_UNKNOWN_DEPENDENCY', { add: [task('c', { depends_on: ['nowhere'] })] }],
    ['AC_PLAN_CYCLE', { add: [task('c', { depends_on: ['b'] })], change: [task('b', { depends_on: ['c'] })] }],
    ['AC_PLAN_CYCLE', { add: [task('a2', { depends_on: ['b'] })], supersede: [{ task_id: 'a', by: 'a2' }] }],
    ['AC_PLAN_EMPTY', { remove: ['a', 'b'] }],
    ['AC_PLAN_INVALID', { add: [{ ...task('c'), agent: 'coder' }] }],
    ['AC_REVISION_UNTIMELY', { revision: 3, remove: ['b'] }],
  ] as const)('is refused whole with %s', (code, more) => {
    const { run } = workingRun();
    const before = structuredClone(currentPlan(run));
    expect(take(run, more as Partial<PlanRevision>)).toBe(code);
    expect(currentPlan(run)).toEqual(before);
    expect([...run.tasks.values()].map(({ state }) => state)).toEqual(['running', 'pending']);
  });

  it.each(runStates)('is taken of a run that is %s as its stage allows', (state) => {
    const { run } = workingRun();
    run.state = state;
    run.returnsTo = 'running';
    const isOpen = ['planning', 'awaiting_approval', 'running', 'paused', 'needs_attention'].includes(state);
    expect(take(run, { add: [task('c')] })).toBe(isOpen ? null : 'AC_REVISION_UNTIMELY');
  });

  it.each(['verifying', 'publishing', 'published'] as const)('is not taken where a pause returns to %s', (stage) => {
    const { run } = workingRun();
    run.state = 'paused';
    run.returnsTo = stage;
    expect(take(run, { add: [task('c')] })).toBe('AC_REVISION_UNTIMELY');
  });

  const ended: Partial<Record<TaskState, string>> = {
    merged: 'AC_REVISION_ENDED',
    cancelled: 'AC_REVISION_ENDED',
    cancelling: 'AC_REVISION_ENDED',
    approved: 'AC_REVISION_MERGING',
    merging: 'AC_REVISION_MERGING',
  };

  it.each(taskStates)('supersedes a task that is %s as its state allows', (state) => {
    const { run, task: first } = workingRun();
    run.counts[first.state] -= 1;
    run.counts[state] += 1;
    first.state = state;
    const code = ended[state] ?? null;
    expect(take(run, { add: [task('a2')], supersede: [{ task_id: 'a', by: 'a2' }] })).toBe(code);
    if (code === null) expect(first.state).toBe(state === 'running' ? 'cancelling' : 'cancelled');
    else expect(first.state).toBe(state);
  });

  it.each(taskStates)('changes a task that is %s only where nothing was done for it', (state) => {
    const { run } = workingRun();
    const second = run.tasks.get('b');
    if (second === undefined) throw new Error('no b');
    run.counts.pending -= 1;
    run.counts[state] += 1;
    second.state = state;
    const isOpen = ['pending', 'blocked', 'ready'].includes(state);
    const code = take(run, { change: [task('b', { title: 'Other' })] });
    // What was cancelled is no part of the plan any more.
    expect(code).toBe(isOpen ? null : 'AC_REVISION_STARTED');
    if (isOpen) expect(second.state).toBe(state === 'blocked' ? 'pending' : state);
  });
});

describe('a run whose plan is changed', () => {
  const revise = (company: Simulation, more: Partial<PlanRevision>): Simulation =>
    company.say('plan_revision', revisionOf(company.run, more));

  it('does what was added and not what was removed, and is published', () => {
    const company = new Simulation({
      plan: planOf({ a: [], b: ['a'], c: [] }),
      world: { work: ({ taskId }) => (taskId === 'a' ? 'hold' : 'done') },
    });
    company.proceed();
    revise(company, { add: [task('d', { depends_on: ['a'] })], remove: ['b'] });
    company.finish('a', 'done').proceed();
    expect(company.run.state).toBe('published');
    expect(company.run.merges.map(({ taskId }) => taskId)).toEqual(['c', 'a', 'd']);
    company.ledger.replay();
  });

  it('waits until the host of a superseded task has let go, and counts nothing it still says', () => {
    const company = new Simulation({
      plan: planOf({ a: [], b: ['a'] }),
      world: { work: ({ taskId }) => (taskId === 'a' ? 'hold' : 'done') },
    });
    company.proceed();
    revise(company, { add: [task('a2')], supersede: [{ task_id: 'a', by: 'a2' }] });
    expect(company.task('a').state).toBe('cancelling');
    company.proceed();
    expect([company.run.state, company.task('a').state]).toEqual(['published', 'cancelled']);
    expect(company.run.merges.map(({ taskId }) => taskId)).toEqual(['a2', 'b']);
    company.ledger.replay();
  });

  it('goes on with what was blocked once the failed task has a successor', () => {
    const company = new Simulation({
      plan: planOf({ a: [], b: ['a'] }),
      world: { review: ({ taskId }) => (taskId === 'a' ? 'reject' : 'approve') },
    });
    company.proceed();
    expect([company.run.state, company.task('a').state, company.task('b').state]).toEqual([
      'needs_attention',
      'failed',
      'blocked',
    ]);
    revise(company, { add: [task('a2')], supersede: [{ task_id: 'a', by: 'a2' }] });
    expect(company.task('b').state).toBe('pending');
    company.resume().proceed();
    expect([company.run.state, company.run.merges.map(({ taskId }) => taskId)]).toEqual(['published', ['a2', 'b']]);
    company.ledger.replay();
  });

  describe('where a person approves plans', () => {
    const settings = { approvals: { plan: 'person', protected_paths: 'person' } } as const;
    const working = (): Simulation =>
      new Simulation({
        plan: planOf({ a: [], b: ['a'] }),
        settings,
        world: { work: ({ taskId }) => (taskId === 'a' ? 'hold' : 'done') },
      })
        .proceed()
        .answer('approve')
        .proceed();

    it('asks again, for the hash of the new plan, and begins nothing before', () => {
      const company = revise(working(), { add: [task('c')], hash: 'new hash' }).proceed();
      expect([company.run.state, company.task('c').state]).toEqual(['awaiting_approval', 'pending']);
      const asked = [...company.run.approvals.values()].at(-1)?.request;
      expect(asked).toMatchObject({
        hash: 'new hash',
        details: ['c: Task c (new or changed)', 'a: Task a', 'b: Task b'],
      });
      company.answer('approve', 'hash of the plan').proceed();
      expect(company.task('c').state).toBe('pending');
      company.answer('approve').proceed();
      expect(company.task('c').state).toBe('merged');
      expect(company.finish('a', 'done').proceed().run.state).toBe('published');
      company.ledger.replay();
    });

    it('waits for a person again where the change is rejected, and asks about the next one', () => {
      const company = revise(working(), { add: [task('c')], hash: 'h2' })
        .proceed()
        .answer('reject')
        .proceed();
      expect([company.run.state, company.run.error?.code]).toEqual(['needs_attention', 'AC_REVISION_REJECTED']);
      revise(company, { remove: ['c'], hash: 'h3' })
        .resume()
        .proceed();
      expect([...company.run.approvals.values()].at(-1)?.request.hash).toBe('h3');
      company.answer('approve').proceed();
      expect(company.finish('a', 'done').proceed().run.state).toBe('published');
      company.ledger.replay();
    });

    it('asks anew where the plan is changed before anybody answered: the old question is over', () => {
      const company = new Simulation({ plan: planOf({ a: [] }), settings }).proceed();
      const [first] = company.run.approvals.keys();
      revise(company, { add: [task('c')], hash: 'h2' }).proceed();
      expect([...company.run.approvals.values()].map(({ closed }) => closed)).toEqual([true, false]);
      company.say('approval_response', {
        approval_id: first,
        hash: 'hash of the plan',
        decision: 'approve',
        comment: '',
        by: 'me',
      });
      expect(company.run.state).toBe('awaiting_approval');
      expect(company.answer('approve').proceed().run.state).toBe('published');
      company.ledger.replay();
    });
  });
});
