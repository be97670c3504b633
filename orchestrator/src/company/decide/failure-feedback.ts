import type { AppError, CommandReport, Feedback } from '@agentcompany/protocol';
import type { AttemptRecord } from '../records.ts';

/** Whether the checks were red, or there was nothing to check. */
export function reasonOf({ code }: AppError): Feedback['reason'] {
  return code === 'AC_VERIFY_FAILED' ? 'quality_failed' : 'failed';
}

/** A failed attempt as the next one is told of it. */
export function failureFeedback(error: AppError, attempt: AttemptRecord): Feedback {
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
