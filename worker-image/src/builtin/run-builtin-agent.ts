import { failure, type AgentOrder, type Result, workerErrors } from '@agentcompany/protocol';
import type { AgentEnd } from '../command-agent.ts';
import type { Surroundings, TaskOrder } from '../work.ts';

export async function runBuiltinAgent(
  _order: TaskOrder,
  agent: AgentOrder,
  _around: Surroundings,
): Promise<Result<AgentEnd>> {
  return failure(workerErrors.AC_AGENT_ABSENT({ agent: agent.definition.runtime }));
}
