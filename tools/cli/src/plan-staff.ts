import type { PlanStaff } from '@agentcompany/orchestrator/plan-file';
import type { Result } from '@agentcompany/protocol';
import type { Context } from './context.ts';
import { chooseProject } from './operands.ts';

/**
 * Whom a plan file may name here. Without a home these are the shipped agents; a project that cannot be told is told of by whoever
 * needs it. Errors: those of agents' definitions.
 */
export async function readStaff(context: Context, projectName: string | undefined): Promise<Result<PlanStaff>> {
  const { planStaff } = await import('@agentcompany/orchestrator/agents');
  const home = await context.home();
  const options = { installation: context.io.checkout, home: home.ok ? home.value.root : null };
  if (!home.ok) return planStaff(options, undefined);
  const { showProject } = await import('@agentcompany/orchestrator/projects');
  const projectId = await chooseProject(context, projectName);
  const project = projectId.ok ? showProject(home.value, projectId.value) : null;
  return planStaff(options, project?.ok === true ? project.value.agent : undefined);
}
