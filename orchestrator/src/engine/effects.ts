import { rm } from 'node:fs/promises';
import type { Delivery } from '@agentcompany/agent-bus';
import {
  parsePayload,
  success,
  type AppError,
  type Effect,
  type EffectOutcome,
  type Result,
} from '@agentcompany/protocol';
import { message, record, type Draft } from '../company/decide/draft.ts';
import type { Run } from '../company/records.ts';
import { resultReference } from './attempt.ts';
import { judgeOutgoing } from './outgoing.ts';
import type { EngineParts, ProjectParts } from './parts.ts';
import { attemptBundle } from './run-files.ts';

/**
 * Carries out what reaches the outside: each effect looks itself up at its destination by key and is done only if absent
 * (DESIGN §1.4), so a repeat after a crash changes nothing. A failure that may pass is left to be tried again; another is the result.
 */
export async function performEffect(
  parts: EngineParts,
  run: Run,
  delivery: Delivery,
): Promise<Result<readonly Draft[]>> {
  const request = parsePayload('effect_request', delivery.envelope.payload);
  if (!request.ok) return request;
  const { effect } = request.value;
  if (run.effects.get(effect.key)?.done === true) return success([]);
  const project = await parts.project(run.projectId);
  if (!project.ok) return project;
  const { repositories } = project.value;
  const harmless = await judgeOutgoing({ run, effect, repositories, secrets: parts.secrets });
  const outcome = harmless.ok ? await perform(parts, run, effect, project.value) : harmless;
  if (!outcome.ok && outcome.error.retry !== 'never') return outcome;
  const { task_id: taskId, attempt_id: attemptId } = delivery.envelope.context;
  const about = { ...(taskId === undefined ? {} : { taskId }), ...(attemptId === undefined ? {} : { attemptId }) };
  const result = effectResult(effect, outcome, about);
  if (harmless.ok) return success([result]);
  return success([record('escalate', { reason: 'publication was stopped', error: harmless.error }, about), result]);
}

function effectResult(
  effect: Effect,
  outcome: Result<EffectOutcome>,
  about: { taskId?: string; attemptId?: string },
): Draft {
  const error: AppError | null = outcome.ok ? null : outcome.error;
  const payload = { key: effect.key, kind: effect.kind, outcome: outcome.ok ? outcome.value : null, error };
  return message('effect_result', 'engine', payload, about);
}

async function perform(
  parts: EngineParts,
  run: Run,
  effect: Effect,
  { repositories, forge }: ProjectParts,
): Promise<Result<EffectOutcome>> {
  switch (effect.kind) {
    case 'ingest': {
      const ingested = await repositories.ingest({
        bundleFile: attemptBundle(parts.home, effect.attempt_id),
        sha256: effect.sha256,
        attemptId: effect.attempt_id,
        resultRef: resultReference(effect.attempt_id),
        baseOid: effect.base_oid,
        claimedCommit: effect.commit,
        title: effect.title,
      });
      if (!ingested.ok && ingested.error.retry !== 'never') return ingested;
      // The vault holds it now, or never will; a bundle left behind by a crash here goes at the next start.
      await rm(attemptBundle(parts.home, effect.attempt_id), { force: true });
      return ingested.ok ? success({ kind: 'ingest', ingested: ingested.value }) : ingested;
    }
    case 'push': {
      const pushed = await repositories.push({ runId: run.id, oid: effect.oid, branch: effect.branch });
      return pushed.ok ? success({ kind: 'push', oid: effect.oid, branch: effect.branch }) : pushed;
    }
    case 'pull_request': {
      const { key, branch, base, title, body, draft } = effect;
      const opened = await forge.openPullRequest({ key, branch, base, title, body, draft });
      if (!opened.ok) return opened;
      const { number, url } = opened.value;
      return success({ kind: 'pull_request', pull_request: { number, url, branch, base } });
    }
    case 'container':
    case 'verify':
    case 'integrate':
      throw new Error(`effect ${effect.kind} is not for this queue`);
  }
}
