import { failure, type Result } from '@agentcompany/protocol';
import { planningAgents } from '../agents/manager/plan-with-model.ts';
import type { DraftedPlan, SubmitRequest } from '../company-facade.ts';
import { orchestratorErrors } from '../errors.ts';
import { showProject } from '../projects.ts';
import type { FacadeContext } from './context.ts';
import { openPlanMaker } from './plan-maker.ts';
import { agentsOfRun } from './run-agents.ts';

/** What a run of the instruction would start with, if the model answered the same again: nothing is put on record. */
export async function draftPlan(
  context: FacadeContext,
  { projectId, instruction }: Pick<SubmitRequest, 'projectId' | 'instruction'>,
  signal: AbortSignal,
): Promise<Result<DraftedPlan>> {
  if (instruction.trim() === '') return failure(orchestratorErrors.AC_INSTRUCTION_EMPTY());
  const project = showProject(context.home, projectId);
  if (!project.ok) return project;
  const makePlan = openPlanMaker(context, null);
  if (makePlan === null) return failure(orchestratorErrors.AC_MODEL_UNAVAILABLE({ detail: 'none is configured' }));
  const agents = agentsOfRun(context, null, project.value.agent);
  if (!agents.ok) return agents;
  const parts = await context.projects.parts(projectId);
  if (!parts.ok) return parts;
  const { repositories } = parts.value;
  const fetched = await repositories.synchronize();
  if (!fetched.ok) return fetched;
  const tip = await repositories.branchTip(project.value.integration_branch);
  if (!tip.ok) return tip;
  const files = await repositories.listFiles(tip.value);
  if (!files.ok) return files;
  const verify = project.value.verify ?? [];
  const readFile = (path: string): Promise<Result<string | null>> => repositories.readText(tip.value, path);
  return makePlan(
    { instruction, files: files.value, readFile, verify, ...planningAgents(agents.value) },
    { run: null, signal, onCall: () => undefined },
  );
}
