import type { ModelAccount, ModelCall } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { remainingFor } from './budget.ts';
import { fold } from './fold.ts';
import type { Run } from './records.ts';
import { attemptId, workingRun } from './testing/examples.ts';
import { envelopeOf, errorOf } from './testing/fixtures.ts';
import { viewOf } from './view.ts';

const about = { taskId: 'a', attemptId };
const usage = { input: 70, output: 20, cache_read: 7, cache_write: 3 };

function calls(...costs: readonly (number | null)[]): ModelCall[] {
  return costs.map((cost) => ({ provider: 'openai', model: 'gpt', usage, cost_usd: cost }));
}

function account(cost: number | null, count = 1): ModelAccount {
  return [{ provider: 'anthropic', model: 'claude', usage, cost_usd: cost, calls: count, estimated: false }];
}

function tell(run: Run, type: Parameters<typeof envelopeOf>[0], payload: Readonly<Record<string, unknown>>): Run {
  fold(run, run.version + 1, envelopeOf(type, payload, about));
  return run;
}

function grant(run: Run, usd: number | null, tokens: number | null = null): Run {
  return tell(run, 'budget_grant', { attempt_id: attemptId, usd, tokens });
}

function attemptOf(run: Run) {
  const attempt = run.attempts.get(attemptId);
  if (attempt === undefined) throw new Error('the fixture has no attempt');
  return attempt;
}

describe('the money of a run', () => {
  it('W9 is the sum of planning, judging and attempts, to four decimals, and says how many calls have no price', () => {
    const { run } = workingRun();
    const ten = Array.from({ length: 10 }, () => 0.0001);
    tell(run, 'task_plan', {
      revision: 1,
      base_oid: 'b',
      plan: run.plan,
      hash: 'h',
      planning: { calls: calls(...ten) },
    });
    tell(run, 'budget_settle', { attempt_id: attemptId, account: [...account(0.1234, 5), ...account(null, 2)] });
    const late = { attempt_id: 'other', tree: 't', verdict: 'approve', findings: [], reviewer: 'model' };
    tell(run, 'review_response', { ...late, calls: calls(0.2, null) });
    const { cost, task_list: tasks } = viewOf(run);
    expect(cost).toStrictEqual({
      usd: 0.3244,
      unpriced_calls: 3,
      tokens: 1400,
      calls: 19,
      estimated: false,
    });
    expect(tasks[0]?.attempts[0]?.cost).toMatchObject({ usd: 0.1234, calls: 7, unpriced_calls: 2 });
  });

  it('DESIGN budget: slices add up, and an attempt settles once', () => {
    const { run } = workingRun();
    run.budget = { usd: 1, tokens: 1000 };
    grant(grant(run, 0.25, 100), 0.25, 0);
    expect(attemptOf(run)).toMatchObject({ grants: 2, granted: { usd: 0.5, tokens: 100 } });
    expect(remainingFor(run, attemptOf(run))).toStrictEqual({ run: { usd: 0.5, tokens: 900 }, taskUsd: null });
    tell(run, 'budget_settle', { attempt_id: attemptId, account: account(0.1) });
    expect(remainingFor(run, attemptOf(run)).run).toStrictEqual({ usd: 0.9, tokens: 900 });
    expect(run.refused).toBe(0);
    tell(run, 'budget_settle', { attempt_id: attemptId, account: account(0.4) });
    grant(run, 0.1);
    expect([run.refused, remainingFor(run, attemptOf(run)).run.usd]).toStrictEqual([2, 0.9]);
  });

  it('DESIGN budget: gives nothing to an attempt that has ended, nor to one that nobody began', () => {
    const { run } = workingRun();
    tell(run, 'attempt_lost', { attempt_id: attemptId, epoch: 1, error: errorOf('AC_HOST_DIED') });
    grant(run, 1);
    tell(run, 'budget_grant', { attempt_id: 'nobody', usd: 1, tokens: null });
    expect([run.refused, attemptOf(run).granted]).toStrictEqual([2, null]);
    tell(run, 'budget_settle', { attempt_id: attemptId, account: account(0.1) });
    expect(run.refused).toBe(2);
  });

  it("DESIGN budget: a task's own budget is for its attempts together, until a person asks for another try", () => {
    const { run, task } = workingRun();
    task.spec.budget_usd = 1;
    grant(run, 0.75);
    expect(remainingFor(run, attemptOf(run))).toStrictEqual({ run: { usd: null, tokens: null }, taskUsd: 0.25 });
    tell(run, 'budget_settle', { attempt_id: attemptId, account: account(0.5) });
    expect(remainingFor(run, attemptOf(run)).taskUsd).toBe(0.5);
    tell(run, 'task_state', { to: 'awaiting_person', reason: 'budget spent', error: errorOf('AC_BUDGET_TASK_SPENT') });
    tell(run, 'task_retry', { feedback: { reason: 'person', message: 'again', findings: [] } });
    expect([run.refused, remainingFor(run, attemptOf(run)).taskUsd]).toStrictEqual([0, 1]);
  });

  it('DESIGN budget: is what a person says at resume, whatever the run does at the time, until it has ended', () => {
    const { run } = workingRun();
    for (const state of ['running', 'verifying', 'publishing'] as const) {
      run.state = state;
      tell(run, 'run_resume', { by: 'me', budget_usd: 5 });
      expect([run.budget, run.state, run.refused]).toStrictEqual([{ usd: 5, tokens: null }, state, 0]);
    }
    tell(run, 'run_resume', { by: 'me', budget_tokens: 9 });
    expect([run.budget, viewOf(run).budget]).toStrictEqual([
      { usd: 5, tokens: 9 },
      { usd: 5, tokens: 9 },
    ]);
    run.state = 'completed';
    tell(run, 'run_resume', { by: 'me', budget_usd: 7 });
    expect([run.budget.usd, run.refused]).toStrictEqual([5, 1]);
  });
});
