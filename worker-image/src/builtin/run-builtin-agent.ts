import { success, type AgentOrder, type Result } from '@agentcompany/protocol';
import { commandReport, type AgentEnd } from '../command-agent.ts';
import { OutputTail } from '../output-tail.ts';
import type { Surroundings, TaskOrder } from '../work.ts';
import { systemPrompt } from './brief.ts';
import { converse, type ConversationEnd } from './converse.ts';
import { allowedTools, hostTools } from './offered-tools.ts';
import { Session } from './session.ts';
import { commandTools } from './tools/command-tools.ts';
import { fileTools } from './tools/file-tools.ts';
import { lookTools } from './tools/look-tools.ts';

function agentEnd({ answer, error }: ConversationEnd, begun: number): AgentEnd {
  const tail = new OutputTail();
  tail.write(Buffer.from(answer));
  const output = tail.text();
  const end = { exitCode: error === null ? 0 : 1, signal: null, timedOut: false, standardOutput: output };
  const durationMs = Math.round(performance.now() - begun);
  return { report: commandReport('builtin agent', { ...end, durationMs, output }), error };
}

/**
 * The builtin agent: a model that reads and changes the repository with tools, through the door, until it answers in words
 * (docs/builtin-agent.md). However it ends, its work and its conversation are left for the task's next attempt. Errors, as part of
 * the value: `AC_WORK_PARTIAL` (its turns are spent), `AC_WORK_MODEL`, and those of the host's gateway.
 */
export async function runBuiltinAgent(
  order: TaskOrder,
  agent: AgentOrder,
  around: Surroundings,
): Promise<Result<AgentEnd>> {
  const begun = performance.now();
  const { definition } = agent;
  const { door, place } = around;
  // One turn's commands, each within its own time limit.
  const progress = (message: string): void => around.progress(message, order.command_timeout);
  const commands = commandTools(place, order.command_timeout);
  try {
    const own = [...fileTools(place.folder), ...lookTools(place), ...commands.tools];
    const tools = allowedTools([...own, ...(await hostTools(door))], definition.tools);
    const session = await Session.begin(order, agent, around);
    const system = systemPrompt(definition);
    const end = await converse({ session, system, tools, maximumTurns: definition.max_turns, door, progress });
    await commands.close();
    await session.save(true);
    return success(agentEnd(end, begun));
  } finally {
    await commands.close();
  }
}
