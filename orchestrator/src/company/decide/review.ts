import type { Feedback, Finding } from '@agentcompany/protocol';
import { companyErrors } from '../errors.ts';
import type { AttemptRecord, Run, TaskRecord } from '../records.ts';
import { message, record, taskState, type Draft } from './draft.ts';
import { listPaths, maximumListed } from './list-paths.ts';
import { afterDays } from './time.ts';

/** The rule of the one finding of a review that did not take place: a model was to judge and could not. */
export const reviewUnavailable = 'review-unavailable';

/** Days a person has to answer before a request lapses. */
const approvalDays = 7;

/** What follows a verdict: approval (of a person too, where protected paths are touched), another round, or the end. */
export function afterReview(run: Run, task: TaskRecord, attempt: AttemptRecord): readonly Draft[] {
  const { review } = attempt;
  const id = task.spec.id;
  if (review === null) return [];
  const findings = summarize(review.findings);
  if (review.verdict === 'reject') {
    return [taskState(id, 'failed', 'rejected in review', companyErrors.AC_REVIEW_REJECTED({ task: id, findings }))];
  }
  if (review.verdict === 'approve') return afterApproval(run, task, attempt);
  if (review.findings.some(({ rule }) => rule === reviewUnavailable)) return askPersonInstead(run, task, attempt);
  if (task.reviewRounds < run.settings.max_review_rounds) {
    return [record('task_retry', { feedback: reviewFeedback(review.findings) }, { taskId: id, attemptId: attempt.id })];
  }
  const error = companyErrors.AC_REVIEW_ROUNDS({ task: id, rounds: task.reviewRounds, findings });
  return [
    record('escalate', { reason: 'review rounds spent', error }, { taskId: id }),
    taskState(id, 'awaiting_person', 'review rounds spent', error),
  ];
}

/** No judgement is no approval (S46), and doing the work once more would not bring one: a person judges this result. */
function askPersonInstead(run: Run, task: TaskRecord, attempt: AttemptRecord): readonly Draft[] {
  const paths = attempt.ingested?.protected_paths ?? [];
  const refused = refuseProtected(run, task, paths);
  if (refused.length > 0) return refused;
  const id = task.spec.id;
  const reason = summarize(attempt.review?.findings ?? []);
  const error = companyErrors.AC_REVIEW_UNAVAILABLE({ task: id, reason });
  return [
    record('escalate', { reason: 'nobody could review', error }, { taskId: id, attemptId: attempt.id }),
    ...approvalRequest(run, `review/${attempt.id}`, {
      subject: 'review',
      task_id: id,
      hash: attempt.ingested?.tree ?? '',
      summary: `${task.spec.title} was judged by no model: ${reason}`,
      details: paths.slice(0, maximumListed),
    }),
  ];
}

function refuseProtected(run: Run, task: TaskRecord, paths: readonly string[]): readonly Draft[] {
  const id = task.spec.id;
  if (paths.length === 0 || run.settings.approvals.protected_paths !== 'refuse') return [];
  const error = companyErrors.AC_PATHS_PROTECTED({ task: id, paths: listPaths(paths) });
  return [taskState(id, 'failed', 'protected paths', error)];
}

function afterApproval(run: Run, task: TaskRecord, attempt: AttemptRecord): readonly Draft[] {
  const paths = attempt.ingested?.protected_paths ?? [];
  if (paths.length === 0) return approve(task, attempt);
  const refused = refuseProtected(run, task, paths);
  if (refused.length > 0) return refused;
  const id = task.spec.id;
  return approvalRequest(run, `task/${attempt.id}`, {
    subject: 'protected_paths',
    task_id: id,
    hash: attempt.ingested?.tree ?? '',
    summary: `${task.spec.title} changes paths that are reserved for a person`,
    details: paths.slice(0, maximumListed),
  });
}

/** Approved: on to the Merger in the same step. */
export function approve(task: TaskRecord, attempt: AttemptRecord): readonly Draft[] {
  const about = { taskId: task.spec.id, attemptId: attempt.id };
  const { ingested } = attempt;
  if (ingested === null) return [];
  return [
    taskState(task.spec.id, 'approved', 'approved in review'),
    message(
      'merge_request',
      'merger',
      { attempt_id: attempt.id, commit: ingested.commit, tree: ingested.tree, title: task.spec.title },
      about,
    ),
  ];
}

interface Asked {
  readonly subject: 'plan' | 'protected_paths' | 'review';
  readonly task_id: string | null;
  readonly hash: string;
  readonly summary: string;
  readonly details: string[];
}

/** A request bound to the hash of what is approved, and the timer that ends it. */
export function approvalRequest(run: Run, approvalId: string, asked: Asked): readonly Draft[] {
  const expires = afterDays(run.updatedAt, approvalDays);
  const about = asked.task_id === null ? {} : { taskId: asked.task_id };
  return [
    record('approval_request', { ...asked, approval_id: approvalId, expires_at: expires }, about),
    { ...message('timer_due', 'engine', { timer: 'approval', subject: approvalId }, about), notBefore: expires },
  ];
}

function reviewFeedback(findings: readonly Finding[]): Feedback {
  return {
    reason: 'changes_requested',
    message: summarize(findings),
    findings: findings.map(({ rule, path, message: text }) => ({ rule, path, message: text })),
  };
}

function summarize(findings: readonly Finding[]): string {
  const texts = findings
    .slice(0, 5)
    .map(({ rule, path, message: text }) => `${rule}${path === null ? '' : ` ${path}`}: ${text}`);
  return texts.join('; ') || 'no finding was given';
}
