import { commandAgent } from '@agentcompany/protocol';
import { openApproval } from '../approvals.ts';
import { companyErrors } from '../errors.ts';
import type { AttemptRecord, Run, TaskRecord } from '../records.ts';
import { afterConflict } from './conflict.ts';
import { dependencyStatus } from './dependencies.ts';
import { effectRequest, message, record, taskState, type Draft } from './draft.ts';
import { afterFailure, nextRound } from './failure.ts';
import { endQuiet } from './quiet.ts';
import { afterReview, approve } from './review.ts';

/** What one task needs now, judged by its folded state alone: deciding twice decides the same. */
export function decideTask(run: Run, task: TaskRecord): readonly Draft[] {
  const attempt = run.attempts.get(task.attemptId ?? '');
  switch (task.state) {
    case 'pending':
      return whenPending(run, task);
    case 'ready':
      return assign(run, task);
    case 'running':
      return attempt === undefined ? [] : whenRunning(run, task, attempt);
    case 'quality_check':
      return attempt === undefined ? [] : whenDelivered(run, task, attempt);
    case 'in_review':
      return attempt === undefined ? [] : afterReview(run, task, attempt);
    case 'merging':
      return task.conflicts === null ? [] : afterConflict(run, task, task.conflicts);
    case 'awaiting_person':
      return whenAwaitingPerson(run, task, attempt);
    default:
      return [];
  }
}

function whenPending(run: Run, task: TaskRecord): readonly Draft[] {
  const id = task.spec.id;
  switch (dependencyStatus(run, task)) {
    case 'waiting':
      return [];
    case 'dead':
      return [taskState(id, 'blocked', 'a task it depends on will not be merged')];
    case 'met':
      return [taskState(id, 'ready', 'all dependencies are merged'), ...assign(run, task)];
  }
}

function assign(run: Run, task: TaskRecord): readonly Draft[] {
  const { id, agent: name } = task.spec;
  const agent = run.settings.agents.find((definition) => definition.name === name);
  if (agent === undefined && name !== commandAgent)
    return [
      taskState(
        id,
        'failed',
        'nobody of that name works here',
        companyErrors.AC_AGENT_UNKNOWN({ agent: name, suggestion: '', where: '' }),
      ),
    ];
  const assignment = {
    project_id: run.projectId,
    task: task.spec,
    verify: [...new Set([...run.settings.verify, ...task.spec.verify])],
    round: task.rounds + 1,
    feedback: task.feedback,
    image: run.settings.image,
    ...(agent === undefined ? {} : { agent, ...nextRound(run, task) }),
  };
  return [message('task_assign', 'workers', assignment, { taskId: id })];
}

function whenRunning(run: Run, task: TaskRecord, attempt: AttemptRecord): readonly Draft[] {
  if (attempt.state === 'rejected')
    return attempt.error === null ? [] : afterFailure(run, task, attempt, attempt.error);
  return attempt.watch.isStuck ? endQuiet(run, attempt, attempt.watch.status) : [];
}

function whenDelivered(run: Run, task: TaskRecord, attempt: AttemptRecord): readonly Draft[] {
  const about = { taskId: task.spec.id, attemptId: attempt.id };
  if (attempt.state === 'rejected' && attempt.error !== null) return afterFailure(run, task, attempt, attempt.error);
  if (attempt.state === 'ingested' && attempt.ingested !== null) {
    return [message('review_request', 'reviewer', { attempt_id: attempt.id, ingested: attempt.ingested }, about)];
  }
  const key = `attempt/${attempt.id}/ingest`;
  if (attempt.state !== 'delivered' || attempt.result === null || run.effects.has(key)) return [];
  return [
    effectRequest(
      {
        kind: 'ingest',
        key,
        attempt_id: attempt.id,
        base_oid: attempt.baseOid,
        commit: attempt.result.commit,
        sha256: attempt.result.bundle.sha256,
        title: task.spec.title,
      },
      about,
    ),
  ];
}

function whenAwaitingPerson(run: Run, task: TaskRecord, attempt: AttemptRecord | undefined): readonly Draft[] {
  const id = task.spec.id;
  const response = run.approvals.get(task.approvalId ?? '')?.response ?? null;
  if (response !== null && attempt !== undefined) {
    if (response.decision === 'approve') return approve(task, attempt);
    return [
      taskState(id, 'failed', 'a person rejected it', companyErrors.AC_APPROVAL_REFUSED({ comment: response.comment })),
    ];
  }
  if (!task.retryWanted || openApproval(run, task) !== null) return [];
  const text = task.error === null ? 'another try was asked for' : `${task.error.code}: ${task.error.message}`;
  return [record('task_retry', { feedback: { reason: 'person', message: text, findings: [] } }, { taskId: id })];
}
