import type { PayloadOf } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { decideOnTrigger } from '../decide/decide.ts';
import { planOf } from '../testing/fixtures.ts';
import { Simulation } from '../testing/simulation.ts';
import type { World } from '../testing/world.ts';

const threshold = 120;

/** A run whose task `a` stays at work; later rounds are done at once. */
function working(
  world: Partial<World> = {},
  settings: { quiet_seconds?: number; max_attempts?: number } = {},
): Simulation {
  const work: World['work'] = ({ round }) => (round === 1 ? 'hold' : 'done');
  return new Simulation({
    plan: planOf({ a: [] }),
    settings: { quiet_seconds: threshold, ...settings },
    world: { work, ...world },
  }).proceed();
}

function answer(company: Simulation, more: Partial<PayloadOf<'status_response'>> = {}): Simulation {
  const attempt = company.attempt('a');
  if (attempt === undefined) throw new Error('no attempt');
  const status = {
    status: 'turn 3: run_command',
    steps: 3,
    turn: 3,
    tokens: 10,
    quiet_seconds: 120,
    allowed_seconds: 0,
  };
  const payload = { attempt_id: attempt.id, number: attempt.watch.asked, ...status, ...more };
  return company.say('status_response', payload, { taskId: 'a', attemptId: attempt.id });
}

function count(company: Simulation, type: string): number {
  return company.ledger.stream.filter(({ envelope_type }) => envelope_type === type).length;
}

describe('a worker that shows no progress', () => {
  it('is asked after the threshold, and left alone as long as it moves on', () => {
    const company = working().letPass(threshold - 1);
    expect(count(company, 'status_request')).toBe(0);
    company.letPass(1);
    expect(count(company, 'status_request')).toBe(1);
    for (let steps = 3; steps < 8; steps += 1) answer(company, { steps }).letPass(threshold);
    expect([count(company, 'status_request'), count(company, 'escalate'), company.task('a').state]).toEqual([
      6,
      0,
      'running',
    ]);
    company.finish('a', 'done').proceed();
    expect(company.run.state).toBe('published');
    company.letPass(10 * threshold).ledger.replay();
    expect(count(company, 'status_request')).toBe(6);
  });

  it('that tells of the same step twice has failed, in a way of its own, and is tried again', () => {
    const company = working().letPass(threshold);
    answer(company).letPass(threshold);
    expect(company.task('a').state).toBe('running');
    const [first] = company.run.attempts.values();
    answer(company);
    expect([first?.state, first?.error?.code]).toEqual(['rejected', 'AC_WORKER_QUIET']);
    expect(first?.error?.message).toContain('turn 3: run_command');
    expect([count(company, 'escalate'), company.task('a').failures]).toEqual([1, 1]);
    company.proceed();
    expect([company.run.state, company.run.attempts.size]).toEqual(['published', 2]);
    company.ledger.replay();
  });

  it('whose host does not answer is given up at the next look, and what it was granted counts as spent', () => {
    const company = working().letPass(threshold);
    const attempt = company.attempt('a');
    company.say('budget_grant', { attempt_id: attempt?.id, usd: 1, tokens: null }, { taskId: 'a' });
    company.letPass(threshold);
    expect([attempt?.state, attempt?.error?.message]).toEqual(['rejected', expect.stringContaining('does not answer')]);
    expect(attempt?.account).toMatchObject([{ cost_usd: 1, estimated: true }]);
    company.ledger.replay();
  });

  it('has the time that what it does may take, and is asked again only then', () => {
    const company = working().letPass(threshold);
    answer(company, { allowed_seconds: 300 }).letPass(299);
    expect([count(company, 'status_request'), company.task('a').state]).toEqual([1, 'running']);
    company.letPass(2);
    expect(count(company, 'status_request')).toBe(2);
    // Waiting for the host is no standing still, however long.
    answer(company, { allowed_seconds: 60 });
    expect(company.attempt('a')?.state).toBe('working');
  });

  it("is a person's after its attempts are spent, as after any failure", () => {
    const company = working({ work: () => 'hold' }, { max_attempts: 1 })
      .letPass(2 * threshold)
      .proceed();
    expect([company.run.state, company.task('a').state, company.task('a').error?.code]).toEqual([
      'needs_attention',
      'awaiting_person',
      'AC_TASK_ATTEMPTS',
    ]);
  });

  it('is not asked at all where the threshold is 0, nor where it told of progress of late', () => {
    const never = working({}, { quiet_seconds: 0 }).letPass(10_000);
    expect(count(never, 'status_request')).toBe(0);
    const company = working();
    const [timer] = company.ledger.timers;
    if (timer === undefined) throw new Error('no timer');
    const asked: unknown[] = [];
    const drafts = decideOnTrigger(company.run, timer.envelope, (...about) => asked.push(about) > 0);
    expect(drafts.map(({ type }) => type)).toEqual(['timer_due']);
    expect(asked).toEqual([[company.attempt('a')?.id, threshold]]);
  });

  it('is heard only on the last question, and once: nothing late or forged ends an attempt', () => {
    const company = working().letPass(threshold);
    answer(company, { number: 7 });
    answer(company);
    answer(company);
    expect([company.run.refused, company.attempt('a')?.state]).toEqual([2, 'working']);
    company.letPass(threshold);
    answer(company, { number: 1 });
    expect([company.run.refused, company.attempt('a')?.state]).toEqual([3, 'working']);
    company.ledger.replay();
  });

  it('that was given up says its last word in vain', () => {
    const company = working({ work: () => 'hold' }).letPass(2 * threshold);
    const [first] = company.run.attempts.values();
    const late = {
      attempt_id: first?.id,
      epoch: first?.epoch,
      result: {
        commit: 'c',
        tree: 't',
        bundle: { sha256: 's', bytes: 1 },
        agent: { command: 'x', exit_code: 0, duration_ms: 1, output: '' },
        verify: [],
      },
    };
    company.say('task_complete', late, { taskId: 'a', attemptId: first?.id ?? '' });
    expect([first?.state, first?.result]).toEqual(['rejected', null]);
  });
});
