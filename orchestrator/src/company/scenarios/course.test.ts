import { describe, expect, it } from 'vitest';
import { errorOf, planOf } from '../testing/fixtures.ts';
import { Simulation } from '../testing/simulation.ts';

const diamond = { a: [], b: ['a'], c: ['a'], d: ['b', 'c'] };

describe('the course of a run', () => {
  it('takes a diamond of tasks to a pull request, each after what it depends on', () => {
    const order: string[] = [];
    const merge = ({ taskId }: { taskId: string }) => (order.push(taskId), 'merged' as const);
    const company = new Simulation({ plan: planOf(diamond), world: { merge } }).proceed();
    expect(company.run.state).toBe('published');
    expect(company.run.pullRequest?.url).toBe('https://forge.example/1');
    expect(order).toStrictEqual(['a', 'b', 'c', 'd']);
    expect(company.run.refused).toBe(0);
    company.ledger.replay();
  });

  it('has independent tasks at work at the same time', () => {
    const company = new Simulation({
      plan: planOf({ a: [], b: [], c: ['a'] }),
      world: { work: () => 'hold' },
    }).proceed();
    expect([company.task('a').state, company.task('b').state, company.task('c').state]).toStrictEqual([
      'running',
      'running',
      'pending',
    ]);
  });

  it('ends when the pull request is merged', () => {
    const company = new Simulation({ plan: planOf({ a: [] }) }).proceed();
    company.say('run_complete', { outcome: 'merged', pull_request: company.run.pullRequest });
    expect(company.run.state).toBe('completed');
  });

  it('fails with the reason when no plan can be had', () => {
    const company = new Simulation({
      plan: null,
      world: { plan: () => errorOf('AC_PLAN_MISSING', 'never') },
    }).proceed();
    expect([company.run.state, company.run.error?.code]).toStrictEqual(['failed', 'AC_PLAN_MISSING']);
  });

  it('publishes without asking for checks where neither project nor plan names any', () => {
    const verify = () => {
      throw new Error('nothing to verify');
    };
    const company = new Simulation({ plan: planOf({ a: [] }, { verify: [] }), world: { verify } }).proceed();
    expect(company.run.state).toBe('published');
  });
});

describe('a task that fails', () => {
  it('is tried again with the failure as context, and goes on when it is green', () => {
    const told: unknown[] = [];
    const company = new Simulation({
      plan: planOf({ a: [] }),
      world: {
        work: ({ round, feedback }) => (told.push(feedback), round === 1 ? errorOf('AC_VERIFY_RED') : 'done'),
      },
    }).proceed();
    expect(company.run.state).toBe('published');
    expect(told).toStrictEqual([
      null,
      {
        reason: 'failed',
        message: 'AC_VERIFY_RED: AC_VERIFY_RED happened',
        findings: [{ rule: 'make test', path: null, message: 'one failed' }],
      },
    ]);
    company.ledger.replay();
  });

  it('awaits a person after max_attempts, and resume gives it another try', () => {
    let broken = true;
    const company = new Simulation({
      plan: planOf({ a: [], b: ['a'] }),
      settings: { max_attempts: 2 },
      world: { work: () => (broken ? errorOf('AC_VERIFY_RED') : 'done') },
    }).proceed();
    expect(company.task('a')).toMatchObject({ state: 'awaiting_person', rounds: 2 });
    expect([company.run.state, company.run.error?.code]).toStrictEqual(['needs_attention', 'AC_TASK_ATTEMPTS']);
    company.resume().proceed();
    expect(company.task('a')).toMatchObject({ state: 'awaiting_person', rounds: 4 });
    broken = false;
    company.resume().proceed();
    expect(company.run.state).toBe('published');
    company.ledger.replay();
  });

  it('gives a waiting task another try while the others are still at work', () => {
    let broken = true;
    const company = new Simulation({
      plan: planOf({ a: [], slow: [] }),
      settings: { max_attempts: 1 },
      world: { work: ({ taskId }) => (taskId === 'slow' ? 'hold' : broken ? errorOf('AC_VERIFY_RED') : 'done') },
    }).proceed();
    expect([company.run.state, company.task('a').state]).toStrictEqual(['running', 'awaiting_person']);
    broken = false;
    company.resume().proceed();
    expect([company.run.state, company.task('a').state]).toStrictEqual(['running', 'merged']);
    company.ledger.replay();
  });

  it('ends at once when repeating cannot help; its dependants are blocked and a person hears of it', () => {
    const company = new Simulation({
      plan: planOf({ a: [], b: ['a'], c: ['b'], free: [] }),
      world: { work: ({ taskId }) => (taskId === 'a' ? errorOf('AC_AGENT_MISSING', 'never') : 'done') },
    }).proceed();
    expect(['a', 'b', 'c', 'free'].map((id) => company.task(id).state)).toStrictEqual([
      'failed',
      'blocked',
      'blocked',
      'merged',
    ]);
    expect([company.run.state, company.run.error?.code]).toStrictEqual(['needs_attention', 'AC_AGENT_MISSING']);
    company.resume().proceed();
    expect(company.run.state).toBe('needs_attention');
    company.ledger.replay();
  });

  it('is refused at ingest for good, or tried again where that may help', () => {
    const plan = planOf({ a: [] });
    const refused = new Simulation({ plan, world: { ingest: () => errorOf('AC_PATH_REFUSED', 'never') } }).proceed();
    expect(refused.task('a')).toMatchObject({ state: 'failed', error: { code: 'AC_PATH_REFUSED' } });
    const passing = new Simulation({
      plan,
      world: { ingest: ({ round }) => (round === 1 ? errorOf('AC_INGEST_SHORT') : 'clean') },
    }).proceed();
    expect(passing.run.state).toBe('published');
  });

  it('is left out of a draft that names what is missing, where on_failure is partial', () => {
    let published: { draft: boolean; body: string } | null = null;
    const company = new Simulation({
      plan: planOf({ a: [], b: [], c: ['b'] }),
      settings: { on_failure: 'partial' },
      world: {
        work: ({ taskId }) => (taskId === 'b' ? errorOf('AC_AGENT_MISSING', 'never') : 'done'),
        pullRequest: (_, { draft, body }) => ((published = { draft, body }), 'done'),
      },
    }).proceed();
    expect(company.run.state).toBe('published');
    expect(published).toMatchObject({ draft: true });
    expect(String(published?.['body' as never])).toMatch(
      /## Missing\n\n- \[ \] \*\*b\*\* Task b \(failed\)\n- \[ \] \*\*c\*\* Task c \(blocked\)/,
    );
    company.ledger.replay();
  });

  it('is nothing to publish in part when nothing at all was merged', () => {
    const company = new Simulation({
      plan: planOf({ a: [] }),
      settings: { on_failure: 'partial' },
      world: { work: () => errorOf('AC_AGENT_MISSING', 'never') },
    }).proceed();
    expect(company.run.state).toBe('needs_attention');
  });
});

describe('a host that dies', () => {
  it('costs an attempt, not the task: the next one has a higher epoch', () => {
    const company = new Simulation({
      plan: planOf({ a: [] }),
      world: { work: ({ epoch }) => (epoch < 3 ? 'lost' : 'done') },
    }).proceed();
    const attempts = [...company.run.attempts.values()].map(({ state, epoch, error }) => [state, epoch, error?.code]);
    expect(attempts).toStrictEqual([
      ['lost', 1, 'AC_HOST_DIED'],
      ['lost', 2, 'AC_HOST_DIED'],
      ['ingested', 3, undefined],
    ]);
    expect(company.run.state).toBe('published');
    expect(company.task('a').failures).toBe(0);
    company.ledger.replay();
  });

  it('is not heard when it comes back late: results of an old epoch are refused', () => {
    const company = new Simulation({
      plan: planOf({ a: [] }),
      world: { work: ({ epoch }) => (epoch === 1 ? 'lost' : 'hold') },
    }).proceed();
    const [first, second] = [...company.run.attempts.values()];
    const result = {
      commit: 'c',
      tree: 't',
      bundle: { sha256: 'ab', bytes: 1 },
      agent: { command: 'x', exit_code: 0, duration_ms: 1, output: '' },
      verify: [],
    };
    const about = { taskId: 'a', attemptId: first?.id ?? '' };
    company.say('task_complete', { attempt_id: first?.id, epoch: 1, result }, about);
    company.say('task_complete', { attempt_id: second?.id, epoch: 1, result }, about);
    company.say(
      'task_failed',
      { attempt_id: first?.id, epoch: 1, error: errorOf('AC_LATE'), agent: null, verify: [] },
      about,
    );
    expect([company.task('a').state, company.attempt('a')?.state, company.run.refused]).toStrictEqual([
      'running',
      'working',
      3,
    ]);
    company.finish('a', 'done').proceed();
    expect(company.run.state).toBe('published');
  });
});
