import { callHostTool, listHostTools } from '../door-tools.ts';
import type { DoorClient } from '../door-client.ts';
import type { AgentTool } from './tools/tool.ts';

/** What a request may offer (`chatRequest`). */
const limits = { tools: 128, description: 8192, name: /^[a-zA-Z0-9_-]{1,64}$/ } as const;
/** Whoever may run commands may look after those that run in the background. */
const companions: Readonly<Record<string, string>> = { check_process: 'run_command', kill_process: 'run_command' };

/** The tools on the host's side of the door, as tools of the agent. */
export async function hostTools(door: DoorClient): Promise<readonly AgentTool[]> {
  const listed = await listHostTools(door);
  return listed
    .filter(({ name }) => limits.name.test(name))
    .map(({ name, description, parameters }) => ({
      name,
      description: description.slice(0, limits.description),
      parameters,
      use: async (input) => {
        const { text, is_error: isError } = await callHostTool(door, name, input);
        return { text, isError };
      },
    }));
}

/** The tools that an agent's definition allows, by name; all of them where it says nothing. The first of two with one name counts. */
export function allowedTools(
  tools: readonly AgentTool[],
  allowed: readonly string[] | null,
): ReadonlyMap<string, AgentTool> {
  const chosen = new Map<string, AgentTool>();
  for (const tool of tools) {
    const isAllowed =
      allowed === null || allowed.includes(tool.name) || allowed.includes(companions[tool.name] ?? tool.name);
    if (isAllowed && !chosen.has(tool.name) && chosen.size < limits.tools) chosen.set(tool.name, tool);
  }
  return chosen;
}
