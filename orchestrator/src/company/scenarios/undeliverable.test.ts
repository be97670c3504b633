import { describe, expect, it } from 'vitest';
import { errorOf, planOf } from '../testing/fixtures.ts';
import { Simulation } from '../testing/simulation.ts';
import type { World } from '../testing/world.ts';

const plan = planOf({ a: [], b: ['a'] });
const once = <Answer>(first: Answer, then: Answer): (() => Answer) => {
  let asked = 0;
  return () => ((asked += 1), asked === 1 ? first : then);
};

describe('a dead letter', () => {
  const ofTask: readonly (readonly [string, () => Partial<World>])[] = [
    ['an assignment', () => ({ work: once<'dead' | 'done'>('dead', 'done') })],
    ['an ingest', () => ({ ingest: once<'dead' | 'clean'>('dead', 'clean') })],
    ['a review', () => ({ review: once<'dead' | 'approve'>('dead', 'approve') })],
    ['a merge', () => ({ merge: once<'dead' | 'merged'>('dead', 'merged') })],
  ];
  it.each(ofTask)('of %s goes to a person, and resume tries the task again', (_, world) => {
    const company = new Simulation({ plan, world: world() }).proceed();
    expect(company.task('a')).toMatchObject({ state: 'awaiting_person', error: { code: 'AC_BUS_DELIVERIES_SPENT' } });
    expect([company.run.state, company.run.error?.code]).toStrictEqual(['needs_attention', 'AC_BUS_DELIVERIES_SPENT']);
    expect(company.resume().proceed().run.state).toBe('published');
    company.ledger.replay();
  });

  const ofRun: readonly (readonly [string, () => Partial<World>])[] = [
    ['a verification', () => ({ verify: once<'dead' | 'green'>('dead', 'green') })],
    ['an integration', () => ({ integrate: once<'dead' | 'same'>('dead', 'same') })],
    ['a push', () => ({ push: once<'dead' | 'done'>('dead', 'done') })],
    ['a pull request', () => ({ pullRequest: once<'dead' | 'done'>('dead', 'done') })],
  ];
  it.each(ofRun)('of %s stops the run for a person, and resume asks for it again', (_, world) => {
    const company = new Simulation({ plan, world: world() }).proceed();
    expect([company.run.state, company.run.error?.code]).toStrictEqual(['needs_attention', 'AC_BUS_DELIVERIES_SPENT']);
    expect(company.resume().proceed().run.state).toBe('published');
    company.ledger.replay();
  });

  it.each(ofRun)('of %s is not forgotten while the run is paused', (kind, world) => {
    const company = new Simulation({ plan, world: world() });
    const stage = kind.includes('pu') ? 'publishing' : 'verifying';
    company
      .proceed(() => company.run.state === stage)
      .pause()
      .proceed();
    if (company.run.state === 'paused') company.resume().proceed();
    expect(company.run.state).toBe('needs_attention');
    expect(company.resume().proceed().run.state).toBe('published');
  });

  it('of the request for a plan ends the run, paused or not', () => {
    const world: Partial<World> = { plan: () => 'dead' };
    for (const company of [new Simulation({ plan, world }), new Simulation({ plan, world }).pause()]) {
      expect([company.proceed().run.state, company.run.error?.code]).toStrictEqual([
        'failed',
        'AC_BUS_DELIVERIES_SPENT',
      ]);
    }
  });
});

describe('publication', () => {
  it.each(['push', 'pullRequest'] as const)(
    'a %s that fails waits for a person; resume does it again and only it',
    (effect) => {
      const asked: number[] = [];
      const company = new Simulation({
        plan,
        world: {
          [effect]: (nth: number) => (asked.push(nth), nth === 1 ? errorOf('AC_PUSH_REFUSED', 'never') : 'done'),
        },
      }).proceed();
      expect([company.run.state, company.run.error?.code]).toStrictEqual(['needs_attention', 'AC_PUSH_REFUSED']);
      expect(company.resume().proceed().run.state).toBe('published');
      expect(asked).toStrictEqual([1, 2]);
      expect(company.run.merges).toHaveLength(2);
      company.ledger.replay();
    },
  );

  it('opens one pull request per run, from a branch of our own', () => {
    const company = new Simulation({ plan }).proceed();
    const keys = [...company.run.effects.keys()].filter((key) => key.endsWith('/pull_request'));
    expect(keys).toStrictEqual([`run/${company.run.id}/pull_request`]);
    expect(company.run.pullRequest?.branch).toBe('agent/0000beef-a-plan');
  });
});
