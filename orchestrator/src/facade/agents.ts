import { failure, success, type AgentDefinition, type Result } from '@agentcompany/protocol';
import { personaWords } from '../agents/persona-words.ts';
import { companyErrors } from '../company/errors.ts';
import type { PlanStaff } from '../plans/plan-file.ts';
import { definitionErrors } from '../definitions/errors.ts';
import { agentFolders, loadAgents, type DefinedAgent } from '../definitions/load-agents.ts';
import type { ModelRequest } from '../models/model.ts';
import { openModel, type ModelsOptions } from '../open-models.ts';
import { suggestion } from '../suggestion.ts';
import { askOnce, type ModelTest } from './models.ts';
import { ordinaryAgent, workerNames } from './run-agents.ts';

export type { DefinedAgent } from '../definitions/load-agents.ts';
export type { ModelTest } from './models.ts';

/** Where the product lies, and the company, if there is one. */
export interface AgentsOptions {
  readonly installation: string;
  readonly home: string | null;
}

/** All agents there are, by name, the company's own before the shipped ones. Errors: `AC_AGENT_UNREADABLE`, `AC_AGENT_INVALID`. */
export function listAgents({ installation, home }: AgentsOptions): Result<readonly DefinedAgent[]> {
  return loadAgents(agentFolders(installation, home));
}

/** One agent. Errors: those of `listAgents`, `AC_AGENT_UNKNOWN` with the nearest known name. */
export function showAgent(options: AgentsOptions, name: string): Result<DefinedAgent> {
  const agents = listAgents(options);
  if (!agents.ok) return agents;
  const agent = agents.value.find(({ definition }) => definition.name === name);
  if (agent !== undefined) return success(agent);
  const known = agents.value.map(({ definition }) => definition.name);
  return failure(companyErrors.AC_AGENT_UNKNOWN({ agent: name, suggestion: suggestion(name, known), where: '' }));
}

/** Whom a plan file may name. Errors: those of `listAgents`. */
export function planStaff(options: AgentsOptions, projectAgent: string | undefined): Result<PlanStaff> {
  const agents = listAgents(options);
  return agents.ok ? success({ names: workerNames(agents.value), ordinary: projectAgent ?? ordinaryAgent }) : agents;
}

const question = 'In one short sentence: what do you do here, and what would you look at first?';

/** What the agent's model is asked: its own words, temperature and size, and one small question. */
function trialOf(definition: AgentDefinition): ModelRequest {
  return {
    system: personaWords(definition).join('\n\n'),
    messages: [{ role: 'user', content: [{ type: 'text', text: question }] }],
    tools: [],
    answerSchema: null,
    maxOutputTokens: definition.max_tokens,
    temperature: definition.temperature,
    cachePrefix: false,
  };
}

/**
 * Asks the agent's model one small question as that agent; each request is held to the definition's `timeout`. For a code agent too it
 * is the model that is asked, not its program. Errors: those of `showAgent`, `AC_AGENT_MODEL_MISSING`, those of `openModel` and of a call.
 */
export async function testAgent(
  options: AgentsOptions,
  models: ModelsOptions,
  name: string,
  signal: AbortSignal,
): Promise<Result<ModelTest>> {
  const agent = showAgent(options, name);
  if (!agent.ok) return agent;
  const { definition } = agent.value;
  if (definition.model === null && models.config.model === null)
    return failure(definitionErrors.AC_AGENT_MODEL_MISSING({ agent: name }));
  const model = await openModel(models, definition.model ?? undefined);
  if (!model.ok) return model;
  return askOnce(model.value, trialOf(definition), { signal, timeoutMs: definition.timeout * 1000 });
}
