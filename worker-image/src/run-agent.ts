import { failure, type Result, workerErrors } from '@agentcompany/protocol';
import { runBuiltinAgent } from './builtin/run-builtin-agent.ts';
import { runCodeAgent } from './code-agents/run-code-agent.ts';
import { runCommandAgent, type AgentEnd } from './command-agent.ts';
import type { Surroundings, TaskOrder } from './work.ts';

/** Lets the agent that the order names change the working copy. Errors, as part of the value or instead: those of that agent. */
export async function runAgent(order: TaskOrder, around: Surroundings): Promise<Result<AgentEnd>> {
  const { agent, run } = order;
  if (agent === null) return run === null ? failure(workerErrors.AC_WORK_EMPTY()) : runCommandAgent(order, run, around);
  return agent.definition.runtime === 'builtin'
    ? runBuiltinAgent(order, agent, around)
    : runCodeAgent(order, agent, around);
}
