import { commandAgent, failure, success, type AgentDefinition, type Plan, type Result } from '@agentcompany/protocol';
import { companyErrors } from '../company/errors.ts';
import type { Config } from '../config.ts';
import { definitionErrors } from '../definitions/errors.ts';
import { loadAgents, type DefinedAgent } from '../definitions/load-agents.ts';
import { openModel } from '../open-models.ts';
import { suggestion } from '../suggestion.ts';
import type { FacadeContext } from './context.ts';

/** Carries out a task that names neither an agent nor a command, where its project names none either. */
export const ordinaryAgent = 'coder';

/**
 * The definitions that go on record with a run: those its plan names, or all a model may choose from; the Reviewer always, the Manager
 * where it plans, or where the company has defined one of its own. Errors: those of `loadAgents`, `AC_AGENT_UNKNOWN`.
 */
export function agentsOfRun(
  { agents: folders, config: { model } }: Pick<FacadeContext, 'agents'> & { readonly config: Pick<Config, 'model'> },
  plan: Plan | null,
  projectAgent: string | undefined,
): Result<readonly AgentDefinition[]> {
  const loaded = loadAgents(folders);
  if (!loaded.ok) return loaded;
  const isChosen = plan === null ? isOffered(projectAgent) : isNamed(plan);
  const stranger = findStranger(plan, projectAgent, loaded.value);
  if (stranger !== null) return failure(stranger);
  const chosen = loaded.value.filter((agent) => {
    const { role } = agent.definition;
    return role === 'worker' ? isChosen(agent) : role === 'reviewer' || plan === null || isOwnManager(agent, model);
  });
  return success(chosen.map(({ definition }) => definition));
}

/** A company that has defined a Manager wants it to look after its runs, whoever planned them; without a model it cannot. */
function isOwnManager({ definition, origin }: DefinedAgent, ordinary: string | null): boolean {
  return definition.role === 'manager' && origin === 'company' && (definition.model ?? ordinary) !== null;
}

function isNamed(plan: Plan): (agent: DefinedAgent) => boolean {
  const named = new Set(plan.tasks.map(({ agent }) => agent));
  return ({ definition }) => named.has(definition.name);
}

/** A shipped code agent works only where its program is in the image: whoever has such an image names it in the project. */
function isOffered(projectAgent: string | undefined): (agent: DefinedAgent) => boolean {
  return ({ definition: { name, runtime }, origin }) =>
    runtime === 'builtin' || origin === 'company' || name === projectAgent;
}

function findStranger(plan: Plan | null, projectAgent: string | undefined, agents: readonly DefinedAgent[]) {
  const workers = workerNames(agents);
  const asked = [
    ...(plan?.tasks.map(({ agent }) => agent) ?? []),
    ...(projectAgent === undefined ? [] : [projectAgent]),
  ];
  const agent = asked.find((name) => name !== commandAgent && !workers.includes(name));
  return agent === undefined
    ? null
    : companyErrors.AC_AGENT_UNKNOWN({ agent, suggestion: suggestion(agent, workers), where: '' });
}

/** Names a task may give besides `command`. */
export function workerNames(agents: readonly DefinedAgent[]): readonly string[] {
  return agents.filter(({ definition }) => definition.role === 'worker').map(({ definition }) => definition.name);
}

/**
 * Opens each model that the run's agents will ask, so that what cannot be is told before anything is on record; nothing is sent.
 * Errors: `AC_AGENT_MODEL_MISSING`, those of `openModel`.
 */
export async function checkAgentModels(
  context: FacadeContext,
  plan: Plan | null,
  agents: readonly AgentDefinition[],
): Promise<Result<undefined>> {
  const names = new Set<string>();
  for (const { agent, model } of modelUses(plan, agents)) {
    const name = model ?? context.config.model;
    if (name === null) return failure(definitionErrors.AC_AGENT_MODEL_MISSING({ agent }));
    names.add(name);
  }
  for (const name of names) {
    const opened = await openModel(context, name);
    if (!opened.ok) return opened;
  }
  return success();
}

interface ModelUse {
  readonly agent: string;
  /** Null: the company's. */
  readonly model: string | null;
}

/** Whom a planned run will need is not known yet: its Manager at least, and each task's agent has the company's model to fall back on. */
function modelUses(plan: Plan | null, agents: readonly AgentDefinition[]): readonly ModelUse[] {
  const managers = agents.filter(({ role }) => role === 'manager');
  const tasks = (plan?.tasks ?? []).flatMap((task): readonly ModelUse[] => {
    const definition = agents.find(({ name }) => name === task.agent);
    return definition === undefined ? [] : [{ agent: task.agent, model: task.model ?? definition.model }];
  });
  return [...managers.map(({ name, model }) => ({ agent: name, model })), ...tasks];
}
