import { agentDefinition } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { errorOf, planOf, task } from '../testing/fixtures.ts';
import { Simulation } from '../testing/simulation.ts';
import type { Triage, Try, World } from '../testing/world.ts';

const agents = [agentDefinition.parse({ name: 'coder', role: 'worker' })];
const passing = errorOf('AC_MAY_PASS');

/** Fails attempts of `a` as long as `fails` says so. */
function worldOf(triage: (tried: Try) => Triage, fails: (tried: Try) => boolean = ({ taskId }) => taskId === 'a') {
  const asked: Try[] = [];
  const tried: Try[] = [];
  const world: Partial<World> = {
    triage: (one) => {
      asked.push(one);
      return triage(one);
    },
    work: (one) => {
      tried.push(one);
      return fails(one) ? { ...passing, message: `round ${one.round}` } : 'done';
    },
  };
  return { world, asked, tried };
}

function companyOf(world: Partial<World>, more: { plan?: ReturnType<typeof planOf>; max_triages?: number } = {}) {
  const settings = { max_triages: more.max_triages ?? 2, fallback_model: 'other', agents };
  return new Simulation({ plan: more.plan ?? planOf({ a: [], b: ['a'] }), settings, world });
}

function typesOf(company: Simulation, ...types: string[]): string[] {
  return company.ledger.stream.map(({ envelope_type: type }) => type).filter((type) => types.includes(type));
}

describe('the triage of a task that keeps failing', () => {
  it('C28 comes after the ordinary retries, and its advice makes another round', () => {
    const { world, asked, tried } = worldOf(
      () => 'retry',
      ({ taskId, round }) => taskId === 'a' && round < 4,
    );
    const company = companyOf(world).proceed();
    expect(company.run.state).toBe('published');
    expect(asked.map(({ round }) => round)).toEqual([3]);
    expect(tried.map(({ taskId, round }) => `${taskId} ${round}`)).toEqual(['a 1', 'a 2', 'a 3', 'a 4', 'b 1']);
    expect(tried[3]?.feedback).toMatchObject({
      reason: 'triage',
      message: expect.stringMatching(/my advice[\s\S]*round 3/),
    });
    company.ledger.replay();
  });

  it('begins anew after its advice, with the fallback model', () => {
    const plan = planOf({});
    const { run: _run, ...spec } = task('a', { agent: 'coder' });
    plan.tasks.push(spec);
    const { world } = worldOf(
      () => 'retry',
      ({ round }) => round < 4,
    );
    const company = companyOf(world, { plan }).proceed();
    const assigned = company.ledger.stream.filter(({ envelope_type: type }) => type === 'task_assign');
    expect(assigned.at(-1)?.payload).toMatchObject({ round: 4, fresh: true, model: 'other' });
  });

  it('is asked earlier where an attempt fails as the one before it', () => {
    const { world, asked } = worldOf(() => 'revise');
    const same: Partial<World> = { ...world, work: ({ taskId }) => (taskId === 'a' ? passing : 'done') };
    const company = companyOf(same).proceed();
    expect([company.run.state, asked.map(({ round }) => round)]).toEqual(['published', [2]]);
  });

  it.each([
    ['revise', ['a-one']],
    ['split', ['a-one', 'a-two']],
  ] as const)('%s puts new tasks in its place, and whoever waited for it waits for them', (decision, successors) => {
    const { world, tried } = worldOf(() => decision);
    const company = companyOf(world).proceed();
    expect(company.run.state).toBe('published');
    expect(tried.slice(3).map(({ taskId }) => taskId)).toEqual([...successors, 'b']);
    expect([company.task('a').state, company.task('a').supersededBy]).toEqual(['cancelled', successors.at(-1)]);
    expect(company.task('b').state).toBe('merged');
    company.ledger.replay();
  });

  it.each(['person', 'dead'] as const)('leaves the task to a person where it ends with: %s', (decision) => {
    const { world, asked } = worldOf(() => decision);
    const company = companyOf(world).proceed();
    const code = decision === 'person' ? 'AC_TASK_TRIAGED' : 'AC_BUS_DELIVERIES_SPENT';
    expect([company.run.state, company.task('a').state, company.task('a').error?.code]).toEqual([
      'needs_attention',
      'awaiting_person',
      code,
    ]);
    expect(asked).toHaveLength(1);
    company.resume().proceed();
    // The word of a person begins the count anew.
    expect(asked).toHaveLength(2);
    company.ledger.replay();
  });

  it('is bounded: what it made of the task counts as the same piece of work', () => {
    const { world, asked } = worldOf(
      () => 'revise',
      ({ taskId }) => taskId.startsWith('a'),
    );
    const company = companyOf(world).proceed();
    expect(company.run.state).toBe('needs_attention');
    expect(asked.map(({ taskId }) => taskId)).toEqual(['a', 'a-one']);
    expect(company.task('a-one-one').error?.code).toBe('AC_TASK_ATTEMPTS');
  });

  it('is asked again where the plan moved on meanwhile, as often as it may be, then a person is', () => {
    const { world, asked } = worldOf(() => 'stale');
    const company = companyOf(world).proceed();
    expect([company.run.state, asked.length, company.task('a').error?.code]).toEqual([
      'needs_attention',
      2,
      'AC_TASK_TRIAGED',
    ]);
    expect(typesOf(company, 'plan_revision')).toEqual([]);
  });

  it('does not take place where the run has no Manager: everything is as it was', () => {
    const { world, asked } = worldOf(() => 'retry');
    const company = companyOf(world, { max_triages: 0 }).proceed();
    expect([asked.length, company.task('a').error?.code]).toEqual([0, 'AC_TASK_ATTEMPTS']);
    expect(typesOf(company, 'triage_request')).toEqual([]);
  });

  it('is over where the run is cancelled while the Manager thinks', () => {
    const { world } = worldOf(() => 'hold');
    const company = companyOf(world).proceed();
    expect([company.run.state, company.task('a').state]).toEqual(['running', 'running']);
    company.cancel().proceed();
    expect([company.run.state, company.task('a').state]).toEqual(['cancelled', 'cancelled']);
  });

  it('asks for approval of what it made of the plan, where the policy wants that', () => {
    const { world, tried } = worldOf(() => 'revise');
    const settings = { max_triages: 1, approvals: { plan: 'person', protected_paths: 'person' } } as const;
    const company = new Simulation({ plan: planOf({ a: [] }), settings, world }).proceed().answer('approve').proceed();
    expect([company.run.state, tried.length]).toEqual(['awaiting_approval', 3]);
    company.answer('approve').proceed();
    expect([company.run.state, tried.at(-1)?.taskId]).toEqual(['published', 'a-one']);
    company.ledger.replay();
  });
});
