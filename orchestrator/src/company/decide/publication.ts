import { companyErrors } from '../errors.ts';
import type { EffectRecord, Run } from '../records.ts';
import { effectRequest, runState, type Draft } from './draft.ts';
import { listPaths } from './list-paths.ts';
import { branchName, pullRequestBody, pullRequestTitle } from './pull-request.ts';

/** Rounds of merging a moving base branch in before a person is asked (DESIGN §5). */
const maximumIntegrations = 3;

/** The result is green: take in what the base branch gained meanwhile, or publish when it gained nothing. */
export function integrateOrPublish(run: Run): readonly Draft[] {
  const last = run.effects.get(integrationKey(run, run.integrations));
  if (last === undefined) return [integrate(run, run.integrations + 1)];
  if (!last.done) return [];
  if (last.error !== null) return [runState('needs_attention', 'integration failed', last.error)];
  if (last.outcome?.kind !== 'integrate') return [];
  if (last.outcome.outcome === 'conflict') {
    const error = companyErrors.AC_BASE_CONFLICT({ paths: listPaths(last.outcome.conflicts) });
    return [runState('needs_attention', 'base conflict', error)];
  }
  if (last.outcome.tip_before === run.tipOid) return [runState('publishing', 'the result is green on the latest base')];
  if (run.baseMoves >= maximumIntegrations) {
    return [runState('needs_attention', 'base moving', companyErrors.AC_BASE_MOVING({ rounds: run.baseMoves }))];
  }
  return [integrate(run, run.integrations + 1)];
}

function integrationKey(run: Run, number: number): string {
  return `run/${run.id}/integrate/${number}`;
}

function integrate(run: Run, number: number): Draft {
  return effectRequest({
    kind: 'integrate',
    key: integrationKey(run, number),
    branch: run.settings.integration_branch,
  });
}

/** Push, then one pull request per run, then published; a failed effect waits for a person. */
export function decidePublication(run: Run): readonly Draft[] {
  const oid = run.tipOid ?? '';
  const branch = branchName(run);
  const pushKey = `run/${run.id}/push/${branch}/${oid}`;
  const push = run.effects.get(pushKey);
  if (push === undefined) return [effectRequest({ kind: 'push', key: pushKey, oid, branch })];
  if (!isDone(push)) return stuck(push);
  const key = `run/${run.id}/pull_request`;
  const request = run.effects.get(key);
  if (request === undefined) {
    const base = run.settings.integration_branch;
    const title = pullRequestTitle(run);
    return [
      effectRequest({ kind: 'pull_request', key, branch, base, title, body: pullRequestBody(run), draft: run.partial }),
    ];
  }
  if (!isDone(request)) return stuck(request);
  return [runState('published', 'the pull request is open')];
}

function isDone(effect: EffectRecord): boolean {
  return effect.done && effect.error === null;
}

function stuck(effect: EffectRecord): readonly Draft[] {
  return effect.error === null ? [] : [runState('needs_attention', `${effect.effect.kind} failed`, effect.error)];
}
