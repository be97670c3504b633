import { failure, success } from '@agentcompany/protocol';
import type { HostTools } from '../door/attempt-services.ts';
import { deskErrors } from './errors.ts';
import type { HostTool } from './host-tool.ts';

const deepest = 64;

/** Whether walking `value` costs no stack: what a model writes may be nested without end (S47). */
function isShallow(value: unknown): boolean {
  let level: readonly unknown[] = [value];
  for (let depth = 0; depth <= deepest; depth += 1) {
    level = level.flatMap((item) =>
      typeof item === 'object' && item !== null ? (Object.values(item) as unknown[]) : [],
    );
    if (level.length === 0) return true;
  }
  return false;
}

/**
 * Joins tools to what one attempt is offered: those that its agent's definition names, all where it names none. `open` is asked once,
 * with the first use. The first tool of a name is meant.
 */
export function joinTools(open: () => Promise<readonly HostTool[]>, allowed: readonly string[] | null): HostTools {
  let opened: Promise<ReadonlyMap<string, HostTool>> | undefined;
  const tools = (): Promise<ReadonlyMap<string, HostTool>> => (opened ??= open().then((all) => byName(all, allowed)));
  return {
    list: async () => success([...(await tools()).values()].map(({ definition }) => definition)),
    call: async (name, input, signal) => {
      const known = await tools();
      const tool = known.get(name);
      if (tool === undefined) {
        const shown = name.toWellFormed().slice(0, 128);
        return failure(deskErrors.AC_TOOL_UNKNOWN({ tool: shown, tools: [...known.keys()].join(', ') || 'none' }));
      }
      if (!isShallow(input))
        return failure(deskErrors.AC_TOOL_INPUT({ tool: name, problem: `it is nested deeper than ${deepest} levels` }));
      return tool.call(input, signal);
    },
  };
}

function byName(all: readonly HostTool[], allowed: readonly string[] | null): ReadonlyMap<string, HostTool> {
  const map = new Map<string, HostTool>();
  for (const tool of all) {
    const { name } = tool.definition;
    if (!map.has(name) && (allowed === null || allowed.includes(name))) map.set(name, tool);
  }
  return map;
}
