import type { PayloadOf } from '@agentcompany/protocol';
import { companyErrors } from '../errors.ts';
import type { AttemptRecord, Run } from '../records.ts';
import { attemptEnds } from '../states.ts';
import { message, record, type Draft } from './draft.ts';
import { settleUnknown } from './settle-unknown.ts';
import { afterSeconds } from './time.ts';

/** Whether an attempt has shown progress within so many seconds. It only spares questions: nothing is decided on it. */
export type ShowsProgress = (attemptId: string, seconds: number) => boolean;

/** Characters of what a worker says it does. */
const shownStatus = 200;

/** The question that is due so much later, should the attempt still be at work then. */
export function quietTimer(attempt: Pick<AttemptRecord, 'id' | 'taskId'>, dueAt: string): Draft {
  const about = { taskId: attempt.taskId, attemptId: attempt.id };
  const timer = { timer: 'quiet', subject: attempt.id, due_at: dueAt };
  return { ...message('timer_due', 'engine', timer, about), notBefore: dueAt };
}

/**
 * What follows when it is time to look after an attempt: nothing but the next look while it shows progress or has time left for what it
 * does; else its host is asked how it stands. A host that has not answered the question before is asked no more: the attempt ends.
 */
export function onQuietTimer(
  run: Run,
  { subject, due_at: due }: PayloadOf<'timer_due'>,
  showsProgress: ShowsProgress,
): readonly Draft[] {
  const attempt = run.attempts.get(subject);
  const { quiet_seconds: seconds } = run.settings;
  if (attempt === undefined || due === undefined || seconds === 0 || !isWatched(run, attempt)) return [];
  const { watch, id } = attempt;
  const next = quietTimer(attempt, afterSeconds(due, seconds));
  if (showsProgress(id, seconds)) return [next];
  if (watch.asked > watch.answered) return endQuiet(run, attempt, 'its host does not answer');
  if (watch.allowedUntil !== null && due < watch.allowedUntil) return [quietTimer(attempt, watch.allowedUntil)];
  const about = { taskId: attempt.taskId, attemptId: id };
  return [record('status_request', { attempt_id: id, number: watch.asked + 1 }, about), next];
}

function isWatched(run: Run, attempt: AttemptRecord): boolean {
  const task = run.tasks.get(attempt.taskId);
  return task?.state === 'running' && task.attemptId === attempt.id && !attemptEnds.has(attempt.state);
}

/** An attempt that stands still has failed, in a way of its own; what follows is what follows any failure. Its host lets go when it reads this. */
export function endQuiet(run: Run, attempt: AttemptRecord, status: string): readonly Draft[] {
  const about = { taskId: attempt.taskId, attemptId: attempt.id };
  const seconds = String(run.settings.quiet_seconds);
  const error = companyErrors.AC_WORKER_QUIET({ task: attempt.taskId, seconds, status: status.slice(0, shownStatus) });
  const { attempt_id, epoch } = { attempt_id: attempt.id, epoch: attempt.epoch };
  return [
    record('escalate', { reason: 'no progress', error }, about),
    record('task_failed', { attempt_id, epoch, error, agent: null, verify: [] }, about),
    // A host that answers settles what the attempt took; of one that does not nobody will say.
    ...(attempt.watch.asked > attempt.watch.answered ? settleUnknown(attempt) : []),
  ];
}
