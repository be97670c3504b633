import { failure, type Result, workerErrors } from '@agentcompany/protocol';
import { runCommandAgent, type AgentEnd } from './command-agent.ts';
import type { Surroundings, TaskOrder } from './work.ts';

/**
 * Lets the agent that the order names change the working copy. Errors, as part of the value or instead: those of that agent.
 * Agents are loaded when they are asked for: what a worker loads at its start, every task waits for.
 */
export async function runAgent(order: TaskOrder, around: Surroundings): Promise<Result<AgentEnd>> {
  const { agent, run } = order;
  if (agent === null) return run === null ? failure(workerErrors.AC_WORK_EMPTY()) : runCommandAgent(order, run, around);
  if (agent.definition.runtime === 'builtin') {
    const { runBuiltinAgent } = await import('./builtin/run-builtin-agent.ts');
    return runBuiltinAgent(order, agent, around);
  }
  const { runCodeAgent } = await import('./code-agents/run-code-agent.ts');
  return runCodeAgent(order, agent, around);
}
