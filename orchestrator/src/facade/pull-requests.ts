import { derivedId, success, type Envelope, type Result } from '@agentcompany/protocol';
import type { Company } from '../company-facade.ts';
import type { PullRequest } from '../forges/forge.ts';
import { listProjects } from '../projects.ts';
import type { FacadeContext } from './context.ts';

/** Pull requests of the projects' forges. */
export function openPullRequests(
  context: FacadeContext,
): Pick<Company, 'listPullRequests' | 'showPullRequest' | 'mergePullRequest'> {
  return {
    listPullRequests: (projectId) => listPullRequests(context, projectId),
    showPullRequest: (projectId, number) => showPullRequest(context, projectId, number),
    mergePullRequest: (projectId, number) => mergePullRequest(context, projectId, number),
  };
}

async function listPullRequests(
  { home, projects }: FacadeContext,
  projectId: string | undefined,
): Promise<Result<readonly (PullRequest & { readonly project_id: string })[]>> {
  const known = listProjects(home);
  if (!known.ok) return known;
  const all: (PullRequest & { readonly project_id: string })[] = [];
  for (const id of projectId === undefined ? known.value.map((project) => project.id) : [projectId]) {
    const parts = await projects.parts(id);
    if (!parts.ok) return parts;
    const listed = await parts.value.forge.listPullRequests();
    if (!listed.ok) return listed;
    all.push(...listed.value.map((request) => ({ ...request, project_id: id })));
  }
  return success(all);
}

async function showPullRequest(
  { projects }: FacadeContext,
  projectId: string,
  number: number,
): Promise<Result<PullRequest & { readonly diffstat: string }>> {
  const parts = await projects.parts(projectId);
  if (!parts.ok) return parts;
  const { forge, repositories } = parts.value;
  const request = await forge.showPullRequest(number);
  if (!request.ok) return request;
  const diffstat = await repositories.diffStat(request.value.base_oid, request.value.head_oid);
  return diffstat.ok ? success({ ...request.value, diffstat: diffstat.value }) : diffstat;
}

/** Merges, then tells the run; told again after a crash, the same envelope is found known. */
async function mergePullRequest(
  context: FacadeContext,
  projectId: string,
  number: number,
): Promise<Result<PullRequest>> {
  const parts = await context.projects.parts(projectId);
  if (!parts.ok) return parts;
  const merged = await parts.value.forge.mergePullRequest(number);
  if (!merged.ok) return merged;
  const { url, branch, base, key } = merged.value;
  const runId = /^run\/([0-9a-f-]{36})\/pull_request$/.exec(key)?.[1];
  if (runId === undefined) return merged;
  const envelope: Envelope = {
    version: '1',
    id: await derivedId(`${key} merged`),
    sender: 'president',
    recipient: 'engine',
    envelope_type: 'run_complete',
    payload: { outcome: 'merged', pull_request: { number, url, branch, base } },
    context: { run_id: runId },
    inReplyTo: null,
    created_at: merged.value.created_at,
  };
  const sent = await context.bus.send([{ envelope }]);
  return sent.ok ? merged : sent;
}
