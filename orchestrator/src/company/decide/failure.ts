import type { AppError, PayloadOf } from '@agentcompany/protocol';
import { companyErrors } from '../errors.ts';
import { isFailure } from '../is-failure.ts';
import type { AttemptRecord, Run, TaskRecord } from '../records.ts';
import { record, taskState, type Draft } from './draft.ts';
import { failureFeedback, reasonOf } from './failure-feedback.ts';
import { failsTheSameWay, triage } from './triage.ts';

/**
 * What follows a failed attempt (DESIGN §5, C28): an error that repeating cannot help ends the task; otherwise it is tried
 * again until `max_attempts`, then the Manager is asked where it may be (`triage`), then a person: first with the failure as context, from the second failure on anew
 * (`nextRound`).
 */
export function afterFailure(run: Run, task: TaskRecord, attempt: AttemptRecord, error: AppError): readonly Draft[] {
  const id = task.spec.id;
  // More of the same costs more of what is not there: what was done is kept, and a person puts more in or lets it be.
  if (error.code.startsWith('AC_BUDGET_')) return [taskState(id, 'awaiting_person', 'budget spent', error)];
  if (error.retry === 'never') return [taskState(id, 'failed', 'repeating cannot help', error)];
  const failures = task.failures + 1;
  const isSpent = failures >= run.settings.max_attempts;
  if (isSpent || failsTheSameWay(run, attempt)) {
    const triaged = triage(run, task, { attempt, error, failures });
    if (triaged !== null) return triaged;
  }
  if (isSpent) {
    const last = companyErrors.AC_TASK_ATTEMPTS(
      { task: id, attempts: failures, code: error.code, message: error.message },
      error.cause,
    );
    const reason = reasonOf(error) === 'quality_failed' ? 'quality_failed' : 'attempts spent';
    return [
      record('escalate', { reason, error: last }, { taskId: id }),
      taskState(id, 'awaiting_person', reason, last),
    ];
  }
  return [record('task_retry', { feedback: failureFeedback(error, attempt) }, { taskId: id, attemptId: attempt.id })];
}

/**
 * How an agent's next round differs from the first (C28): after a second failure it begins without what its attempts left, and with
 * the fallback model where there is one; a round that somebody asks for afterwards stays with that model and goes on.
 */
export function nextRound(
  { settings }: Pick<Run, 'settings'>,
  { failures, feedback }: Pick<TaskRecord, 'failures' | 'feedback'>,
): Pick<PayloadOf<'task_assign'>, 'fresh' | 'model'> {
  if (failures < 2) return {};
  return {
    ...(isFailure(feedback) ? { fresh: true } : {}),
    ...(settings.fallback_model === null ? {} : { model: settings.fallback_model }),
  };
}
