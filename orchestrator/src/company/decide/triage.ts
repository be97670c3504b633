import type { AppError } from '@agentcompany/protocol';
import { companyErrors } from '../errors.ts';
import type { AttemptRecord, Run, TaskRecord } from '../records.ts';
import { findRevisionProblem } from '../revision-check.ts';
import { message, record, taskState, type Draft } from './draft.ts';
import { failureFeedback } from './failure-feedback.ts';

/** An attempt that failed; `failures` counts it. */
interface Failed {
  readonly attempt: AttemptRecord;
  readonly error: AppError;
  readonly failures: number;
}

/** Whether the task's attempt before this one ended with the same error and the same red checks: a third will hardly differ. */
export function failsTheSameWay(run: Run, attempt: AttemptRecord): boolean {
  const earlier = [...run.attempts.values()].filter(
    ({ id, taskId, state, forgiven }) =>
      taskId === attempt.taskId && id !== attempt.id && state === 'rejected' && !forgiven,
  );
  const last = earlier.at(-1);
  return last !== undefined && wayOf(last) === wayOf(attempt);
}

function wayOf({ error, failedChecks }: AttemptRecord): string {
  return JSON.stringify([error?.code, error?.message, failedChecks.map(({ command }) => command)]);
}

/**
 * What the Manager says about a task that keeps failing, before a person is asked: asks it, waits for it, and does what it says. At most
 * `max_triages` times a piece of work; null where it is not asked, or not any more. What it proposes is done only if it still fits
 * the plan.
 */
export function triage(run: Run, task: TaskRecord, failed: Failed): readonly Draft[] | null {
  const asked = task.triage?.attemptId === failed.attempt.id ? task.triage : null;
  if (asked !== null && asked.answer === null) return [];
  if (asked?.answer) return afterTriage(run, task, failed, asked.answer);
  return ask(run, task, failed);
}

function ask({ settings }: Run, task: TaskRecord, { attempt, error, failures }: Failed): readonly Draft[] | null {
  if (task.triages >= settings.max_triages) return null;
  const about = { taskId: task.spec.id, attemptId: attempt.id };
  return [message('triage_request', 'manager', { attempt_id: attempt.id, failures, error }, about)];
}

type Answer = NonNullable<NonNullable<TaskRecord['triage']>['answer']>;

function afterTriage(run: Run, task: TaskRecord, failed: Failed, answer: Answer): readonly Draft[] {
  const { attempt, error } = failed;
  const about = { taskId: task.spec.id, attemptId: attempt.id };
  switch (answer.decision) {
    case 'retry': {
      const failure = failureFeedback(error, attempt);
      const message = `The Manager's advice: ${answer.advice}\nWhat failed: ${failure.message}`;
      return [record('task_retry', { feedback: { ...failure, reason: 'triage', message } }, about)];
    }
    case 'person':
      return askPerson(task, failed, answer.reason);
    case 'revise':
    case 'split': {
      const problem = answer.revision === null ? null : findRevisionProblem(run, answer.revision);
      if (answer.revision !== null && problem === null) return [record('plan_revision', answer.revision, about)];
      // The plan moved on while the Manager thought: it is asked again as long as it may be.
      return ask(run, task, failed) ?? askPerson(task, failed, problem?.message ?? answer.reason);
    }
  }
}

function askPerson({ spec: { id } }: TaskRecord, { error, failures }: Failed, reason: string): readonly Draft[] {
  const { code, message, cause } = error;
  const ended = /[.!?]$/.test(reason) ? reason : `${reason}.`;
  const asked = companyErrors.AC_TASK_TRIAGED({ task: id, reason: ended, attempts: failures, code, message }, cause);
  return [
    record('escalate', { reason: 'the Manager asks for a person', error: asked }, { taskId: id }),
    taskState(id, 'awaiting_person', 'the Manager asks for a person', asked),
  ];
}
