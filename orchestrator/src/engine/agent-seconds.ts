import type { Attempt } from './attempt.ts';

/** Seconds a code agent has where its task names none. */
const codeAgentSeconds = 3600;

/**
 * Seconds the agent may take in all. `commandSeconds`: those of one command, and all that the `command` agent has. An agent with a
 * model has as many turns as its definition says, each with an answer and a command; a code agent, which counts its turns itself or
 * not at all, what its task names, else an hour at most.
 */
export function agentSeconds({ agent, task }: Attempt['assignment'], commandSeconds: number): number {
  if (agent === undefined) return commandSeconds;
  const seconds = agent.max_turns * (agent.timeout + commandSeconds);
  return agent.runtime === 'builtin' ? seconds : (task.timeout ?? Math.min(seconds, codeAgentSeconds));
}
