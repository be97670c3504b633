import type { Envelope, PayloadOf } from '@agentcompany/protocol';
import { withPayload } from './fold-payload.ts';
import { imagePinKey } from './image-pins.ts';
import { moveAttempt, moveTask } from './moves.ts';
import type { AttemptRecord, Run } from './records.ts';
import { unwatched } from './watch.ts';

/** What worker hosts say of attempts; results of an old epoch are refused. Undefined for other envelope types. */
export function foldAttempt(run: Run, envelope: Envelope): boolean | undefined {
  switch (envelope.envelope_type) {
    case 'attempt_started':
      return withPayload('attempt_started', envelope, (payload) => startAttempt(run, envelope, payload));
    case 'attempt_lost':
      return withPayload('attempt_lost', envelope, (payload) => {
        const attempt = currentAttempt(run, payload.attempt_id, payload.epoch);
        if (attempt === null || !moveAttempt(attempt, 'attempt_lost', envelope.created_at)) return false;
        attempt.error = payload.error;
        return moveTaskOf(run, attempt, 'attempt_lost');
      });
    case 'task_complete':
      return withPayload('task_complete', envelope, (payload) => {
        const attempt = currentAttempt(run, payload.attempt_id, payload.epoch);
        if (attempt === null || !moveAttempt(attempt, 'task_complete', envelope.created_at)) return false;
        attempt.result = payload.result;
        return moveTaskOf(run, attempt, 'task_complete');
      });
    case 'task_failed':
      return withPayload('task_failed', envelope, (payload) => {
        const attempt = currentAttempt(run, payload.attempt_id, payload.epoch);
        if (attempt === null || !moveAttempt(attempt, 'task_failed', envelope.created_at)) return false;
        attempt.error = payload.error;
        attempt.failedChecks = payload.verify.filter((report) => report.exit_code !== 0);
        moveTaskOf(run, attempt, 'task_failed');
        return true;
      });
    default:
      return undefined;
  }
}

function startAttempt(run: Run, envelope: Envelope, payload: PayloadOf<'attempt_started'>): boolean {
  const task = run.tasks.get(envelope.context.task_id ?? '');
  if (task === undefined || run.attempts.has(payload.attempt_id) || payload.round !== task.rounds) return false;
  if (envelope.inReplyTo !== task.assignmentId || !moveTask(run, task, 'attempt_started')) return false;
  task.attemptId = payload.attempt_id;
  pinImage(run, payload.image);
  run.attempts.set(payload.attempt_id, {
    id: payload.attempt_id,
    taskId: task.spec.id,
    assignmentId: envelope.inReplyTo ?? '',
    round: payload.round,
    epoch: payload.epoch,
    hostId: payload.host_id,
    slot: payload.slot,
    baseOid: payload.base_oid,
    startedAt: envelope.created_at,
    state: 'leased',
    endedAt: null,
    result: null,
    failedChecks: [],
    ingested: null,
    review: null,
    error: null,
    granted: null,
    grants: 0,
    account: null,
    watch: { ...unwatched },
    forgiven: false,
  });
  return true;
}

/** The first attempt on a machine says which image a name stands for there; a later word does not change it (S14). */
function pinImage(run: Run, image: PayloadOf<'attempt_started'>['image']): void {
  if (image === undefined) return;
  const key = imagePinKey(image.instance, image.reference);
  if (!run.images.has(key)) run.images.set(key, image.id);
}

/** The attempt, if it is its task's latest and of that very epoch. */
function currentAttempt(run: Run, attemptId: string, epoch: number): AttemptRecord | null {
  const attempt = run.attempts.get(attemptId);
  if (attempt === undefined || attempt.epoch !== epoch) return null;
  return run.tasks.get(attempt.taskId)?.attemptId === attemptId ? attempt : null;
}

function moveTaskOf(run: Run, attempt: AttemptRecord, type: 'attempt_lost' | 'task_complete' | 'task_failed'): boolean {
  const task = run.tasks.get(attempt.taskId);
  if (task === undefined) return false;
  run.agenda.add(task.spec.id);
  return moveTask(run, task, type);
}
