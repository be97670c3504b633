import type { AppError, CommandReport, Feedback, PayloadOf } from '@agentcompany/protocol';
import { companyErrors } from '../errors.ts';
import { isFailure } from '../is-failure.ts';
import type { AttemptRecord, Run, TaskRecord } from '../records.ts';
import { record, taskState, type Draft } from './draft.ts';

/**
 * What follows a failed attempt (DESIGN §5, C28): an error that repeating cannot help ends the task; otherwise it is tried
 * again until `max_attempts`, then a person is asked: first with the failure as context, from the second failure on anew
 * (`nextRound`).
 */
export function afterFailure(run: Run, task: TaskRecord, attempt: AttemptRecord, error: AppError): readonly Draft[] {
  const id = task.spec.id;
  // More of the same costs more of what is not there: what was done is kept, and a person puts more in or lets it be.
  if (error.code.startsWith('AC_BUDGET_')) return [taskState(id, 'awaiting_person', 'budget spent', error)];
  if (error.retry === 'never') return [taskState(id, 'failed', 'repeating cannot help', error)];
  const failures = task.failures + 1;
  if (failures >= run.settings.max_attempts) {
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

function reasonOf({ code }: AppError): Feedback['reason'] {
  return code === 'AC_VERIFY_FAILED' ? 'quality_failed' : 'failed';
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

function failureFeedback(error: AppError, attempt: AttemptRecord): Feedback {
  return {
    reason: reasonOf(error),
    message: `${error.code}: ${error.message}`,
    findings: [
      ...(error.cause === null ? [] : [{ rule: error.code, path: null, message: error.cause }]),
      ...attempt.failedChecks.map(reportFinding),
    ],
  };
}

/** A red command as a finding for the next round. */
export function reportFinding(report: CommandReport): Feedback['findings'][number] {
  return { rule: report.command, path: null, message: report.output };
}
