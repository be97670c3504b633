import { describe, expect, it } from 'vitest';
import { errorOf, planOf } from '../testing/fixtures.ts';
import { Simulation } from '../testing/simulation.ts';
import type { World } from '../testing/world.ts';

const plan = planOf({ a: [], b: ['a'] });
const personal = { approvals: { plan: 'person' as const, protected_paths: 'person' as const } };

/** How often the world is asked in a whole quiet run: each of these moments is one at which a person may interrupt. */
const moments = Array.from({ length: 14 }, (_, index) => index);

function stoppedAt(moment: number): Simulation {
  const company = new Simulation({
    plan,
    settings: personal,
    world: { ingest: () => ({ protectedPaths: ['ci.yml'] }) },
  });
  const asked = { times: -1 };
  const isReached = (): boolean => asked.times >= moment;
  const stop = (): boolean => {
    asked.times += 1;
    return isReached();
  };
  const open = (): boolean => company.run.state === 'awaiting_approval' || company.run.counts.awaiting_person > 0;
  for (company.proceed(stop); !isReached() && open(); company.proceed(stop)) company.answer('approve');
  return company;
}

function toTheEnd(company: Simulation): Simulation {
  company.proceed();
  while (company.run.state === 'awaiting_approval' || company.run.counts.awaiting_person > 0)
    company.answer('approve').proceed();
  return company;
}

describe('resume', () => {
  it('C29 does nothing to a run that is completed: its states and its stream stay what they are', () => {
    const company = new Simulation({ plan }).proceed();
    company.say('run_complete', { outcome: 'merged', pull_request: company.run.pullRequest }).proceed();
    expect(company.run.state).toBe('completed');
    company.resume().proceed();
    expect([company.run.state, company.run.refused, company.task('b').rounds]).toStrictEqual(['completed', 1, 1]);
    company.ledger.replay();
  });
});

describe('pause', () => {
  it.each(moments)('and resume at moment %i changes nothing of what comes out', (moment) => {
    const company = stoppedAt(moment);
    const before = company.run.state;
    company.pause();
    expect(company.run.state).toBe(before === 'published' ? 'published' : 'paused');
    company.proceed();
    if (before !== 'published') company.resume();
    expect(toTheEnd(company).run.state).toBe('published');
    expect(company.run.merges.map(({ taskId }) => taskId)).toStrictEqual(['a', 'b']);
    company.ledger.replay();
  });

  it('assigns nothing new', () => {
    const company = new Simulation({ plan: planOf({ a: [], b: ['a'] }), world: { work: () => 'hold' } })
      .proceed()
      .pause();
    company.finish('a', 'done').proceed();
    expect(company.run.counts.merging + company.run.counts.in_review + company.run.counts.quality_check).toBe(1);
    expect(company.task('b').state).toBe('pending');
    company.resume().proceed();
    expect(company.task('b').state).toBe('running');
  });

  it('does not lose the end of a plan that cannot be made', () => {
    const company = new Simulation({ plan, world: { plan: () => errorOf('AC_PLAN_CYCLE', 'never') } })
      .pause()
      .proceed();
    expect([company.run.state, company.run.error?.code]).toStrictEqual(['failed', 'AC_PLAN_CYCLE']);
  });
});

describe('cancel', () => {
  it.each(moments)('at moment %i ends the run, and nothing is at work any more', (moment) => {
    const company = stoppedAt(moment).cancel().proceed();
    expect(company.run.state).toBe('cancelled');
    expect(
      [...company.run.tasks.values()].filter(({ state }) => state !== 'merged' && state !== 'cancelled'),
    ).toStrictEqual([]);
    company.pause().resume().cancel();
    expect(company.run.state).toBe('cancelled');
    company.ledger.replay();
  });

  it('waits until the host of a running task has let go', () => {
    const company = new Simulation({ plan, world: { work: () => 'hold' } }).proceed().cancel();
    expect([company.run.state, company.task('a').state]).toStrictEqual(['cancelling', 'cancelling']);
    company.proceed();
    expect([company.run.state, company.task('a').state, company.task('b').state]).toStrictEqual([
      'cancelled',
      'cancelled',
      'cancelled',
    ]);
    company.ledger.replay();
  });

  it('does not wait for a host that is gone', () => {
    const world: Partial<World> = { work: () => 'lost' };
    const company = new Simulation({ plan, world });
    company.proceed(() => company.run.counts.running === 1).cancel();
    expect(company.run.state).toBe('cancelling');
    company.proceed();
    expect([company.run.state, company.attempt('a')?.state]).toStrictEqual(['cancelled', 'lost']);
    company.ledger.replay();
  });

  it('does not wait for an assignment that the bus gave up', () => {
    const company = new Simulation({ plan, world: { work: () => 'hold' } }).proceed();
    company.cancel();
    const dead = {
      queue: 'workers',
      envelope_id: company.task('a').assignmentId,
      envelope_type: 'task_assign',
      deliveries: 20,
    };
    company.say('dead_letter', { ...dead, error: errorOf('AC_BUS_DELIVERIES_SPENT', 'never') }, { taskId: 'a' });
    expect([company.run.state, company.attempt('a')?.state]).toStrictEqual(['cancelled', 'lost']);
  });

  it('does not wait for an attempt that ended just before', () => {
    const company = new Simulation({ plan, world: { work: () => 'hold' } }).proceed().pause();
    company.finish('a', errorOf('AC_VERIFY_RED'));
    expect([company.task('a').state, company.attempt('a')?.state]).toStrictEqual(['running', 'rejected']);
    expect(company.cancel().run.state).toBe('cancelled');
    company.ledger.replay();
  });

  it('is possible where a person was asked for attention, and where the pull request is open', () => {
    const stuck = new Simulation({ plan, world: { work: () => errorOf('AC_AGENT_MISSING', 'never') } }).proceed();
    expect(stuck.run.state).toBe('needs_attention');
    expect(stuck.cancel().run.state).toBe('cancelled');
    expect(new Simulation({ plan }).proceed().cancel().run.state).toBe('cancelled');
  });
});
