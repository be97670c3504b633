import type { AppError, CommandReport, Feedback } from '@agentcompany/protocol';
import { companyErrors } from '../errors.ts';
import type { AttemptRecord, Run, TaskRecord } from '../records.ts';
import { record, taskState, type Draft } from './draft.ts';

/**
 * What follows a failed attempt (DESIGN §5, C28): an error that repeating cannot help ends the task; otherwise it is tried
 * again with the failure as context until `max_attempts`, then a person is asked.
 */
export function afterFailure(run: Run, task: TaskRecord, attempt: AttemptRecord, error: AppError): readonly Draft[] {
  const id = task.spec.id;
  if (error.retry === 'never') return [taskState(id, 'failed', 'repeating cannot help', error)];
  const failures = task.failures + 1;
  if (failures >= run.settings.max_attempts) {
    const last = companyErrors.AC_TASK_ATTEMPTS(
      { task: id, attempts: failures, code: error.code, message: error.message },
      error.cause,
    );
    return [
      record('escalate', { reason: 'attempts spent', error: last }, { taskId: id }),
      taskState(id, 'awaiting_person', 'attempts spent', last),
    ];
  }
  return [record('task_retry', { feedback: failureFeedback(error, attempt) }, { taskId: id, attemptId: attempt.id })];
}

function failureFeedback(error: AppError, attempt: AttemptRecord): Feedback {
  return {
    reason: 'failed',
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
