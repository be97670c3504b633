import { parsePayload, success, type Effect, type Envelope, type Result } from '@agentcompany/protocol';
import { message, type Draft } from '../../company/decide/draft.ts';
import type { Run } from '../../company/records.ts';
import type { ProjectRepositories } from '../../git/repositories.ts';

/** Requests taken at a time: results that were approved while one was merged are merged together. */
export const mergesAtOnce = 32;

/** Answers a `merge_request`: the approved commit goes into the run branch as it comes, or its conflicts are named (C23). */
export async function mergeTask(
  run: Run,
  envelope: Envelope,
  repositories: ProjectRepositories,
): Promise<Result<readonly Draft[]>> {
  const request = parsePayload('merge_request', envelope.payload);
  if (!request.ok) return request;
  const { attempt_id: attemptId, commit, title } = request.value;
  const about = { taskId: envelope.context.task_id ?? '', attemptId };
  const task = run.tasks.get(about.taskId);
  if (task?.state !== 'merging' || task.attemptId !== attemptId) return success([]);
  const merged = await repositories.merge({ runId: run.id, attemptId, commit, title });
  if (!merged.ok) return merged;
  const { outcome, tipBefore } = merged.value;
  const tipAfter = merged.value.outcome === 'merged' ? merged.value.tipAfter : tipBefore;
  const conflicts = merged.value.outcome === 'conflict' ? [...merged.value.conflicts] : [];
  return success([
    message(
      'merge_complete',
      'engine',
      { attempt_id: attemptId, outcome, tip_before: tipBefore, tip_after: tipAfter, conflicts },
      about,
    ),
  ]);
}

/** Carries out an `integrate` effect: what the base branch gained since is merged into the run branch. */
export async function integrateBase(
  run: Run,
  effect: Extract<Effect, { kind: 'integrate' }>,
  repositories: ProjectRepositories,
): Promise<Result<readonly Draft[]>> {
  const fetched = await repositories.synchronize();
  if (!fetched.ok) return fetched;
  const base = await repositories.branchTip(effect.branch);
  if (!base.ok) return base;
  const merged = await repositories.mergeBase({ runId: run.id, oid: base.value });
  if (!merged.ok) return merged;
  const { tipBefore } = merged.value;
  const outcome = {
    kind: 'integrate' as const,
    outcome: merged.value.outcome,
    base_oid: base.value,
    tip_before: tipBefore,
    tip_after: merged.value.outcome === 'merged' ? merged.value.tipAfter : tipBefore,
    conflicts: merged.value.outcome === 'conflict' ? [...merged.value.conflicts] : [],
  };
  return success([message('effect_result', 'engine', { key: effect.key, kind: effect.kind, outcome, error: null })]);
}
