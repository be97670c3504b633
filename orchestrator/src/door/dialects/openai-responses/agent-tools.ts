import type { GivenTool } from '../request-parts.ts';
import type { OwnTool } from './schema.ts';

/** A tool as Responses knows it: its calls have a form of their own for each kind. */
export interface AgentTool {
  readonly kind: 'function' | 'custom' | 'local_shell';
  readonly name: string;
  readonly namespace: string | null;
}

/** The name of the tool `local_shell` towards the model. */
export const shellName = 'local_shell';

const shell: GivenTool = {
  name: shellName,
  description: 'Runs a command on this machine and returns its output.',
  parameters: {
    type: 'object',
    properties: {
      command: { type: 'array', items: { type: 'string' }, description: 'The program and its arguments.' },
      working_directory: { type: 'string' },
      timeout_ms: { type: 'integer' },
    },
    required: ['command'],
  },
};

/** The name of a tool of a namespace towards the model, which knows no namespaces. */
export function fullName(name: string, namespace: string | null | undefined): string {
  return namespace === null || namespace === undefined || namespace === '' ? name : `${namespace}__${name}`;
}

/** The tools that an agent carries out itself, as functions, and what each of them is, by its full name. */
export class AgentTools {
  readonly given: GivenTool[] = [];
  readonly #known = new Map<string, AgentTool>();

  constructor(tools: readonly OwnTool[]) {
    for (const tool of tools) this.#add(tool, null);
  }

  /** What the model calls `name`; a function where there is no such tool, which the agent then says itself. */
  find(name: string): AgentTool {
    return this.#known.get(name) ?? { kind: 'function', name, namespace: null };
  }

  #add(tool: OwnTool, namespace: string | null): void {
    if (tool.type === 'namespace') {
      for (const inner of tool.tools) this.#add(inner, tool.name);
      return;
    }
    if (tool.type === 'local_shell') return this.#know(shell, { kind: 'local_shell', name: shellName, namespace });
    const name = fullName(tool.name, namespace);
    const description = tool.description ?? '';
    if (tool.type === 'function')
      return this.#know(
        { name, description, parameters: tool.parameters ?? {} },
        { kind: 'function', name: tool.name, namespace },
      );
    // Only text goes in; models of other providers have no such tools, and take it as the one argument.
    const grammar = tool.format?.definition;
    const told = grammar === undefined ? description : `${description}\n\nThe input keeps to this grammar:\n${grammar}`;
    const parameters = { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] };
    this.#know({ name, description: told, parameters }, { kind: 'custom', name: tool.name, namespace });
  }

  #know(given: GivenTool, tool: AgentTool): void {
    this.given.push(given);
    this.#known.set(given.name, tool);
  }
}
