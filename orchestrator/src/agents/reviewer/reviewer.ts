import { parsePayload, success, type Envelope, type Result } from '@agentcompany/protocol';
import { message, type Draft } from '../../company/decide/draft.ts';
import type { Run } from '../../company/records.ts';
import type { ProjectRepositories } from '../../git/repositories.ts';
import { judge } from './rules.ts';

/** Findings kept of one review: a hostile diff must not make the record grow without end. */
const maximumFindings = 100;

/** Answers a `review_request` by rule: for work that needs no model to be judged. The verdict is bound to the ingested tree. */
export async function reviewTask(
  run: Run,
  envelope: Envelope,
  repositories: ProjectRepositories,
): Promise<Result<readonly Draft[]>> {
  const request = parsePayload('review_request', envelope.payload);
  if (!request.ok) return request;
  const { attempt_id: attemptId, ingested } = request.value;
  const task = run.tasks.get(envelope.context.task_id ?? '');
  const result = run.attempts.get(attemptId)?.result ?? null;
  if (task === undefined || result === null || task.attemptId !== attemptId) return success([]);
  const present = ingested.changes.filter(({ status }) => status !== 'D').map(({ path }) => path);
  const conflictMarkers = await repositories.conflictMarkers(ingested.commit, present);
  if (!conflictMarkers.ok) return conflictMarkers;
  const required = [...new Set([...run.settings.verify, ...task.spec.verify])];
  const findings = judge({ task: task.spec, required, result, ingested, conflictMarkers: conflictMarkers.value });
  const verdict = findings.length === 0 ? 'approve' : 'request_changes';
  return success([
    message(
      'review_response',
      'engine',
      {
        attempt_id: attemptId,
        tree: ingested.tree,
        verdict,
        findings: findings.slice(0, maximumFindings),
        reviewer: 'rules',
      },
      { taskId: task.spec.id, attemptId },
    ),
  ]);
}
