import { success, type Result } from '@agentcompany/protocol';
import type { RepositoriesOptions } from '../../orchestrator/src/git/repositories-context.ts';
import type { IngestRequest, ProjectRepositories } from '../../orchestrator/src/git/repositories.ts';

/** One result on its way from bundle to push; plain data, for another process to carry on. */
export interface GitLine {
  readonly repositories: Omit<RepositoriesOptions, 'onArguments' | 'onDurableStep'>;
  readonly runId: string;
  readonly request: IngestRequest;
}

/** Fetches, takes the result in, merges and pushes it as `agent/x`; the pushed commit. What was done before is found done. */
export async function wholeLine(
  repositories: ProjectRepositories,
  { runId, request }: GitLine,
): Promise<Result<string>> {
  const fetched = await repositories.synchronize();
  if (!fetched.ok) return fetched;
  const begun = await repositories.createRunBranch(runId, request.baseOid);
  if (!begun.ok) return begun;
  const ingested = await repositories.ingest(request);
  if (!ingested.ok) return ingested;
  const { attemptId, title } = request;
  const merged = await repositories.merge({ runId, attemptId, commit: ingested.value.commit, title });
  if (!merged.ok) return merged;
  const tip = await repositories.runTip(runId);
  if (!tip.ok) return tip;
  const pushed = await repositories.push({ runId, oid: tip.value, branch: 'agent/x' });
  return pushed.ok ? success(tip.value) : pushed;
}
