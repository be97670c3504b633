import type { Envelope, PayloadOf } from '@agentcompany/protocol';
import { closeApproval } from './approvals.ts';
import { reviewWork, triageWork } from './budget.ts';
import { forgiveSpending, noteCalls } from './fold-budget.ts';
import { withPayload } from './fold-payload.ts';
import { isFailure } from './is-failure.ts';
import { findNoteProblem } from './notes.ts';
import { moveTask } from './moves.ts';
import type { Run, TaskRecord } from './records.ts';

/** What moves a task by the engine's or the Merger's word. Undefined for other envelope types. */
export function foldTask(run: Run, envelope: Envelope): boolean | undefined {
  const task = run.tasks.get(envelope.context.task_id ?? '');
  switch (envelope.envelope_type) {
    case 'task_state':
      return withPayload(
        'task_state',
        envelope,
        (payload) => task !== undefined && changeTaskState(run, task, payload),
      );
    case 'task_assign':
      return withPayload('task_assign', envelope, (payload) => {
        if (task === undefined || payload.round !== task.rounds + 1 || !moveTask(run, task, 'task_assign'))
          return false;
        task.rounds = payload.round;
        task.assignmentId = envelope.id;
        task.attemptId = null;
        return true;
      });
    case 'task_retry':
      return withPayload('task_retry', envelope, (payload) => task !== undefined && retryTask(run, task, payload));
    case 'review_request':
      return (
        task !== undefined && task.attemptId === envelope.context.attempt_id && moveTask(run, task, 'review_request')
      );
    case 'review_response':
      return withPayload('review_response', envelope, (payload) => {
        // Also where it comes too late to count: it was paid.
        noteCalls(run, reviewWork(payload.attempt_id), payload.calls);
        return task !== undefined && takeVerdict(run, task, payload);
      });
    case 'triage_request':
      return withPayload(
        'triage_request',
        envelope,
        (payload) => task !== undefined && askForTriage(run, task, payload),
      );
    case 'triage_response':
      return withPayload('triage_response', envelope, (payload) => {
        noteCalls(run, triageWork(payload.attempt_id), payload.calls);
        return task !== undefined && takeTriage(run, task, payload);
      });
    case 'task_note':
      return (
        task === undefined || withPayload('task_note', envelope, (payload) => takeNote(run, task, envelope, payload))
      );
    case 'merge_request':
      if (task === undefined || !moveTask(run, task, 'merge_request')) return false;
      task.conflicts = null;
      return true;
    case 'merge_complete':
      return withPayload('merge_complete', envelope, (payload) => task !== undefined && takeMerge(run, task, payload));
    case 'conflict_escalate':
      return task !== undefined && moveTask(run, task, 'conflict_escalate');
    case 'escalate':
      return withPayload('escalate', envelope, (payload) => {
        if (task?.state === 'awaiting_person' && payload.error !== null) task.error = payload.error;
        return true;
      });
    default:
      return undefined;
  }
}

function changeTaskState(run: Run, task: TaskRecord, payload: PayloadOf<'task_state'>): boolean {
  if (!moveTask(run, task, 'task_state', payload.to)) return false;
  task.error = payload.error;
  task.triage = null;
  closeApproval(run, task.approvalId);
  task.approvalId = null;
  return true;
}

function retryTask(run: Run, task: TaskRecord, payload: PayloadOf<'task_retry'>): boolean {
  if (!moveTask(run, task, 'task_retry')) return false;
  task.feedback = payload.feedback;
  task.error = null;
  task.conflicts = null;
  task.triage = null;
  closeApproval(run, task.approvalId);
  task.approvalId = null;
  task.retryWanted = false;
  if (payload.feedback.reason === 'changes_requested') task.reviewRounds += 1;
  if (isFailure(payload.feedback)) task.failures += 1;
  if (payload.feedback.reason === 'person') {
    task.failures = 0;
    task.triages = 0;
    forgiveSpending(run, task);
    task.reviewRounds = 0;
  }
  return true;
}

/** A verdict counts only for the tree that was ingested (S37: tree reviewed = tree merged). */
function takeVerdict(run: Run, task: TaskRecord, payload: PayloadOf<'review_response'>): boolean {
  const attempt = run.attempts.get(task.attemptId ?? '');
  if (task.state !== 'in_review' || attempt === undefined || attempt.id !== payload.attempt_id) return false;
  if (attempt.ingested?.tree !== payload.tree || attempt.review !== null) return false;
  attempt.review = payload;
  run.agenda.add(task.spec.id);
  return true;
}

/** Asked of the attempt that failed last, while nothing else has become of it. */
function askForTriage(run: Run, task: TaskRecord, payload: PayloadOf<'triage_request'>): boolean {
  const attempt = run.attempts.get(task.attemptId ?? '');
  const isFailing = task.state === 'running' || task.state === 'quality_check';
  if (!isFailing || attempt?.id !== payload.attempt_id || attempt.state !== 'rejected') return false;
  task.triage = { attemptId: attempt.id, failures: payload.failures, error: payload.error, answer: null };
  task.triages += 1;
  return true;
}

function takeTriage(run: Run, task: TaskRecord, payload: PayloadOf<'triage_response'>): boolean {
  const { triage } = task;
  if (triage === null || triage.attemptId !== payload.attempt_id || triage.answer !== null) return false;
  triage.answer = payload;
  run.agenda.add(task.spec.id);
  return true;
}

/** Whoever works on the task, or on what supersedes it, is told; nobody works on what has ended. */
function takeNote(
  run: Run,
  task: TaskRecord,
  { id, created_at: at }: Envelope,
  payload: PayloadOf<'task_note'>,
): boolean {
  if (findNoteProblem(run, task) !== null || task.notes.some((note) => note.id === id)) return false;
  task.notes = [...task.notes, { id, text: payload.note, by: payload.by, at }];
  return true;
}

function takeMerge(run: Run, task: TaskRecord, payload: PayloadOf<'merge_complete'>): boolean {
  if (task.state !== 'merging' || task.attemptId !== payload.attempt_id) return false;
  if (payload.outcome === 'conflict') {
    task.conflicts = payload.conflicts;
    run.agenda.add(task.spec.id);
    return true;
  }
  if (!moveTask(run, task, 'merge_complete')) return false;
  run.tipOid = payload.tip_after;
  run.merges.push({ taskId: task.spec.id, tip: payload.tip_after });
  return true;
}
