import {
  commandAgent,
  parsePayload,
  success,
  type AppError,
  type Envelope,
  type Finding,
  type IngestedCommit,
  type ModelCall,
  type Result,
  type Task,
  type WorkResult,
} from '@agentcompany/protocol';
import { message, type Draft } from '../../company/decide/draft.ts';
import { reviewUnavailable } from '../../company/decide/review.ts';
import type { Run } from '../../company/records.ts';
import type { ProjectRepositories } from '../../git/repositories.ts';
import type { CallRecord } from '../../models/model.ts';
import { reviewerErrors } from './errors.ts';
import { maximumFindings, type ModelReviewer, type ReviewCalling } from './review-with-model.ts';
import { judge } from './rules.ts';

export interface ReviewerParts extends ReviewCalling {
  readonly repositories: ProjectRepositories;
  /** Null where no model is configured. */
  readonly reviewByModel: ModelReviewer | null;
  /** What may pass will not be tried again. */
  readonly isLastTry: boolean;
}

interface Judgement {
  readonly verdict: 'approve' | 'request_changes' | 'reject';
  readonly findings: readonly Finding[];
  readonly reviewer: string;
  readonly calls?: ModelCall[];
}

interface Work {
  readonly run: Run;
  readonly task: Task;
  readonly attemptId: string;
  readonly result: WorkResult;
  readonly ingested: IngestedCommit;
}

/**
 * Answers a `review_request`: by rule, and where the rules find nothing and a model is to judge, by a model. The verdict is bound to
 * the ingested tree. What kept a model from judging and may pass is left to be asked again; what will not is no approval (S46).
 */
export async function reviewTask(
  run: Run,
  envelope: Envelope,
  parts: ReviewerParts,
): Promise<Result<readonly Draft[]>> {
  const request = parsePayload('review_request', envelope.payload);
  if (!request.ok) return request;
  const { attempt_id: attemptId, ingested } = request.value;
  const task = run.tasks.get(envelope.context.task_id ?? '');
  const result = run.attempts.get(attemptId)?.result ?? null;
  if (task === undefined || result === null || task.attemptId !== attemptId) return success([]);
  const work = { run, task: task.spec, attemptId, result, ingested };
  const byRule = await judgeByRule(work, parts.repositories);
  if (!byRule.ok) return byRule;
  const judged =
    byRule.value.verdict === 'approve' && isForModel(work) ? await judgeByModel(work, parts) : success(byRule.value);
  if (!judged.ok) return judged;
  const payload = { attempt_id: attemptId, tree: ingested.tree, ...judged.value };
  const findings = judged.value.findings.slice(0, maximumFindings);
  return success([message('review_response', 'engine', { ...payload, findings }, { taskId: task.spec.id, attemptId })]);
}

/** `auto`: where an agent with a model did the work. */
function isForModel({ run, task }: Work): boolean {
  const { review } = run.settings;
  return review === 'model' || (review === 'auto' && task.agent !== commandAgent);
}

async function judgeByRule(
  { run, task, result, ingested }: Work,
  repositories: ProjectRepositories,
): Promise<Result<Judgement>> {
  const present = ingested.changes.filter(({ status }) => status !== 'D').map(({ path }) => path);
  const conflictMarkers = await repositories.conflictMarkers(ingested.commit, present);
  if (!conflictMarkers.ok) return conflictMarkers;
  const required = [...new Set([...run.settings.verify, ...task.verify])];
  const findings = judge({ task, required, result, ingested, conflictMarkers: conflictMarkers.value });
  return success({ verdict: findings.length === 0 ? 'approve' : 'request_changes', findings, reviewer: 'rules' });
}

async function judgeByModel(work: Work, parts: ReviewerParts): Promise<Result<Judgement>> {
  const { run, task, attemptId, result, ingested } = work;
  const { repositories, reviewByModel, signal, onCall } = parts;
  if (reviewByModel === null) return success(unavailable(reviewerErrors.AC_REVIEW_MODEL_MISSING(), []));
  const differences = await repositories.diffText(ingested.base_oid, ingested.commit);
  if (!differences.ok) return differences;
  // What a person will be asked about anyway need not fit.
  const unseen = differences.value.filter(
    ({ shown, path }) => shown === 'nothing' && !ingested.protected_paths.includes(path),
  );
  if (unseen.length > 0)
    return success({ verdict: 'request_changes', findings: unseen.map(tooLarge), reviewer: 'rules' });
  const calls: ModelCall[] = [];
  const keep = (call: CallRecord): void => void calls.push({ ...call, usage: { ...call.usage } });
  const paid = (call: CallRecord): void => {
    keep(call);
    onCall(call);
  };
  const notes = run.tasks.get(task.id)?.notes.map(({ text }) => text) ?? [];
  const order = { task, notes, checks: result.verify, differences: differences.value };
  const definition = run.settings.agents.find(({ role }) => role === 'reviewer') ?? null;
  const calling = { signal, onCall: paid, onAgain: keep };
  const judged = await reviewByModel({ ...order, run, attemptId }, definition, calling);
  if (judged.ok) {
    const { verdict, findings, model } = judged.value;
    return success({ verdict, findings, reviewer: `model:${model}`, calls });
  }
  // A call that was called off is one the engine stopped: whoever goes on asks again.
  if (signal.aborted || (judged.error.retry !== 'never' && !parts.isLastTry)) return judged;
  return success(unavailable(judged.error, calls));
}

/** No judgement is no approval. */
function unavailable({ code, message: text }: AppError, calls: ModelCall[]): Judgement {
  const finding: Finding = {
    rule: reviewUnavailable,
    severity: 'error',
    path: null,
    line: null,
    message: `${code}: ${text}`.slice(0, 2000),
  };
  return { verdict: 'request_changes', findings: [finding], reviewer: 'model', calls };
}

function tooLarge({ path }: { readonly path: string }): Finding {
  const text = 'its change is too large for the reviewer to see: split the work, or leave generated files out';
  return { rule: 'reviewable-size', severity: 'error', path, line: null, message: text };
}
