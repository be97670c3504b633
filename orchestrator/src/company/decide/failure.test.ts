import {
  agentDefinition,
  parsePayload,
  taskSchema,
  unwrap,
  type AppError,
  type RunSettings,
} from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { fold } from '../fold.ts';
import { assignmentId, attemptId, workingRun } from '../testing/examples.ts';
import { envelopeOf, errorOf, planOf } from '../testing/fixtures.ts';
import { Simulation } from '../testing/simulation.ts';
import { decideTask } from './decide-task.ts';
import { nextRound } from './failure.ts';

describe('what a failed attempt leaves to the next', () => {
  it('C28 is the error and all that its red checks printed', () => {
    const { run, task: failing } = workingRun();
    const printed = `${'line\n'.repeat(400)}no export named 'version'`;
    const verify = [
      { command: 'make lint', exit_code: 0, duration_ms: 1, output: 'fine' },
      { command: 'make test', exit_code: 1, duration_ms: 1, output: printed },
    ];
    const failed = { attempt_id: attemptId, epoch: 1, error: errorOf('AC_VERIFY_FAILED'), agent: null, verify };
    fold(run, run.version + 1, envelopeOf('task_failed', failed, { taskId: 'a', attemptId, inReplyTo: assignmentId }));
    expect(run.refused).toBe(0);
    expect(decideTask(run, failing)).toMatchObject([
      {
        type: 'task_retry',
        payload: {
          feedback: {
            reason: 'quality_failed',
            message: 'AC_VERIFY_FAILED: AC_VERIFY_FAILED happened',
            findings: [{ rule: 'make test', path: null, message: printed }],
          },
        },
      },
    ]);
  });
});

describe('the rounds of a task that an agent does', () => {
  const coder = agentDefinition.parse({ name: 'coder', role: 'worker', model: 'claude' });

  /** What each round was told, where each ends with `error`. */
  function roundsOf(error: AppError, settings: Partial<RunSettings> = {}) {
    const tasks = [taskSchema.parse({ id: 'a', title: 'Do it', instructions: 'Do it.', agent: 'coder' })];
    const company = new Simulation({
      plan: { ...planOf({ a: [] }), tasks },
      settings: { agents: [coder], fallback_model: 'llama', ...settings },
      world: { work: () => error },
    }).proceed();
    const rounds = company.ledger.stream
      .filter(({ envelope_type: type }) => type === 'task_assign')
      .map(({ payload }) => unwrap(parsePayload('task_assign', payload)));
    return { company, rounds };
  }

  it('C28 are: as it was, then with the failure as context, then anew with the fallback model, then a person', () => {
    const { company, rounds } = roundsOf(errorOf('AC_VERIFY_FAILED'));
    expect(rounds.map(({ feedback, fresh, model }) => [feedback?.reason, fresh, model])).toStrictEqual([
      [undefined, undefined, undefined],
      ['quality_failed', undefined, undefined],
      ['quality_failed', true, 'llama'],
    ]);
    expect(company.task('a')).toMatchObject({ state: 'awaiting_person', error: { code: 'AC_TASK_ATTEMPTS' } });
    const last = company.ledger.stream.findLast(({ envelope_type: type }) => type === 'task_state');
    expect(last?.payload).toMatchObject({ to: 'awaiting_person', reason: 'quality_failed' });
    company.ledger.replay();
  });

  it('C28 keep their model where there is no other, and begin as at first when a person asks', () => {
    const { company } = roundsOf(errorOf('AC_VERIFY_FAILED'), { fallback_model: null });
    company.resume().proceed(() => company.task('a').rounds === 4);
    const rounds = company.ledger.stream
      .filter(({ envelope_type: type }) => type === 'task_assign')
      .map(({ payload }) => unwrap(parsePayload('task_assign', payload)));
    expect(rounds.map(({ fresh, model }) => [fresh, model])).toStrictEqual([
      [undefined, undefined],
      [undefined, undefined],
      [true, undefined],
      [undefined, undefined],
    ]);
  });

  it('C28 go on with the model of a new beginning when the reviewer sends its work back', () => {
    const { settings } = new Simulation({ plan: null, settings: { fallback_model: 'llama' } }).run;
    const feedback = { reason: 'changes_requested', message: '', findings: [] } as const;
    expect(nextRound({ settings }, { failures: 2, feedback: { ...feedback, findings: [] } })).toStrictEqual({
      model: 'llama',
    });
  });

  it('DESIGN budget: end with the first that has no money, and wait for a person with that error', () => {
    const { company, rounds } = roundsOf(errorOf('AC_BUDGET_SPENT', 'never'));
    expect(rounds).toHaveLength(1);
    expect(company.task('a')).toMatchObject({ state: 'awaiting_person', error: { code: 'AC_BUDGET_SPENT' } });
    expect([company.run.state, company.run.error?.code]).toStrictEqual(['needs_attention', 'AC_BUDGET_SPENT']);
    company.resume().proceed(() => company.task('a').rounds === 2);
    expect(company.task('a').rounds).toBe(2);
    company.ledger.replay();
  });
});
