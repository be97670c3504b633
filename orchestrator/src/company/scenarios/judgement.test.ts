import { describe, expect, it } from 'vitest';
import { planOf } from '../testing/fixtures.ts';
import { Simulation } from '../testing/simulation.ts';
import type { World } from '../testing/world.ts';

const plan = planOf({ a: [], b: ['a'] });
const protectedPaths: Partial<World> = {
  ingest: ({ taskId }) => (taskId === 'a' ? { protectedPaths: ['.github/workflows/ci.yml'] } : 'clean'),
};

describe('review', () => {
  it('sends a task back with its findings, and approves the better one', () => {
    const told: (string | undefined)[] = [];
    const company = new Simulation({
      plan: planOf({ a: [] }),
      world: {
        work: ({ feedback }) => (told.push(feedback?.findings[0]?.message), 'done'),
        review: (_, reviewed) => (reviewed < 3 ? 'request_changes' : 'approve'),
      },
    }).proceed();
    expect(company.run.state).toBe('published');
    expect(told).toStrictEqual([undefined, 'not yet', 'not yet']);
    expect(company.task('a')).toMatchObject({ reviewRounds: 2, failures: 0 });
    company.ledger.replay();
  });

  it('asks a person once max_review_rounds are spent', () => {
    const company = new Simulation({
      plan,
      settings: { max_review_rounds: 2 },
      world: { review: () => 'request_changes' },
    }).proceed();
    expect(company.task('a')).toMatchObject({
      state: 'awaiting_person',
      rounds: 3,
      error: { code: 'AC_REVIEW_ROUNDS' },
    });
    expect([company.run.state, company.run.error?.code]).toStrictEqual(['needs_attention', 'AC_REVIEW_ROUNDS']);
    company.ledger.replay();
  });

  it('ends a task it rejects', () => {
    const company = new Simulation({ plan, world: { review: () => 'reject' } }).proceed();
    expect(company.task('a')).toMatchObject({ state: 'failed', error: { code: 'AC_REVIEW_REJECTED' } });
    expect(company.task('b').state).toBe('blocked');
  });

  it('counts only for the tree that was ingested', () => {
    const company = new Simulation({ plan, world: { review: () => 'other_tree' } }).proceed();
    expect([company.task('a').state, company.attempt('a')?.review, company.run.refused]).toStrictEqual([
      'in_review',
      null,
      1,
    ]);
  });
});

describe('protected paths', () => {
  it('S35 need a person, whose approval leads on to the merge', () => {
    const company = new Simulation({ plan, world: protectedPaths }).proceed();
    expect([company.run.state, company.task('a').state]).toStrictEqual(['running', 'awaiting_person']);
    company.answer('approve', 'another hash').proceed();
    expect(company.task('a').state).toBe('awaiting_person');
    company.answer('approve').proceed();
    expect(company.run.state).toBe('published');
    company.ledger.replay();
  });

  it('end the task where the person rejects', () => {
    const company = new Simulation({ plan, world: protectedPaths }).proceed().answer('reject').proceed();
    expect(company.task('a')).toMatchObject({ state: 'failed', error: { code: 'AC_APPROVAL_REFUSED' } });
    expect(company.run.state).toBe('needs_attention');
  });

  it('end the task at once where the policy refuses them', () => {
    const settings = { approvals: { plan: 'auto' as const, protected_paths: 'refuse' as const } };
    const company = new Simulation({ plan, settings, world: protectedPaths }).proceed();
    expect(company.task('a')).toMatchObject({ state: 'failed', error: { code: 'AC_PATHS_PROTECTED' } });
    expect(company.run.approvals.size).toBe(0);
  });

  it('are asked about again, by resume, when nobody answered in time', () => {
    const company = new Simulation({ plan, world: protectedPaths }).proceed().waitForTimers().proceed();
    expect(company.task('a')).toMatchObject({ state: 'awaiting_person', error: { code: 'AC_APPROVAL_LAPSED' } });
    expect([company.run.state, company.run.error?.code]).toStrictEqual(['needs_attention', 'AC_APPROVAL_LAPSED']);
    company.answer('approve').proceed();
    expect(company.run.state).toBe('needs_attention');
    company.resume().proceed().answer('approve').proceed();
    expect(company.run.state).toBe('published');
    company.waitForTimers();
    expect(company.run.state).toBe('published');
    company.ledger.replay();
  });

  it('keep a person’s approval through a conflict that needs a person again', () => {
    const company = new Simulation({
      plan: planOf({ a: [] }),
      world: {
        ...protectedPaths,
        merge: () => ({ conflicts: ['x.ts'] }),
        ingest: () => ({ protectedPaths: ['ci.yml'] }),
      },
    }).proceed();
    for (let round = 0; round < 3; round += 1) company.answer('approve').proceed();
    expect([...company.run.tasks.values()].at(-1)).toMatchObject({
      state: 'awaiting_person',
      error: { code: 'AC_MERGE_CONFLICT' },
      approvalId: null,
    });
    expect(company.run.state).toBe('needs_attention');
    company.ledger.replay();
  });
});

describe('the approval of a plan', () => {
  const settings = { approvals: { plan: 'person' as const, protected_paths: 'person' as const } };

  it('is waited for, and starts the work', () => {
    const company = new Simulation({ plan, settings }).proceed();
    expect(company.run.state).toBe('awaiting_approval');
    expect(company.answer('approve').proceed().run.state).toBe('published');
    company.ledger.replay();
  });

  it('ends the run when it is refused', () => {
    const company = new Simulation({ plan, settings }).proceed().answer('reject');
    expect([company.run.state, company.run.error?.code]).toStrictEqual(['failed', 'AC_PLAN_REJECTED']);
  });

  it('counts for the very plan that was shown, and once', () => {
    const company = new Simulation({ plan, settings }).proceed().answer('approve', 'the hash of another plan');
    expect([company.run.state, company.run.refused]).toStrictEqual(['awaiting_approval', 1]);
    company.answer('approve').answer('reject').proceed();
    expect([company.run.state, company.run.refused]).toStrictEqual(['published', 2]);
  });

  it('lapses; an answer after that counts for nothing; resume asks anew', () => {
    const company = new Simulation({ plan, settings }).proceed().waitForTimers();
    expect([company.run.state, company.run.error?.code]).toStrictEqual(['needs_attention', 'AC_APPROVAL_LAPSED']);
    company.answer('approve');
    expect(company.run.state).toBe('needs_attention');
    company.resume();
    expect([company.run.state, company.run.approvals.size]).toStrictEqual(['awaiting_approval', 2]);
    expect(company.answer('approve').proceed().run.state).toBe('published');
    company.ledger.replay();
  });

  it('is refused after its expiry even before the timer is heard', () => {
    const company = new Simulation({ plan, settings }).proceed();
    company.ledger.advance(8 * 86_400_000);
    expect(company.answer('approve').run.state).toBe('awaiting_approval');
    expect(company.waitForTimers().run.state).toBe('needs_attention');
  });

  it('lapses in a paused run too', () => {
    const company = new Simulation({ plan, settings }).proceed().pause().waitForTimers();
    expect([company.run.state, company.run.error?.code]).toStrictEqual(['needs_attention', 'AC_APPROVAL_LAPSED']);
    expect(company.resume().answer('approve').proceed().run.state).toBe('published');
  });
});
