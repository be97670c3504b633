import { firstProblem } from '@agentcompany/protocol';
import { z } from 'zod';

/** What a tool says to the model; `isError`: it did not do it, and the text says why. */
export interface ToolAnswer {
  readonly text: string;
  readonly isError: boolean;
}

/** A tool of the agent. `use` never rejects: wrong arguments and failures are answers (W8). */
export interface AgentTool {
  readonly name: string;
  readonly description: string;
  /** JSON schema of its one argument, an object. */
  readonly parameters: Record<string, unknown>;
  use(input: unknown): Promise<ToolAnswer>;
}

export function said(text: string): ToolAnswer {
  return { text, isError: false };
}

export function refused(text: string): ToolAnswer {
  return { text, isError: true };
}

/** A tool whose arguments are checked before it runs. What it throws is told to the model. */
export function defineTool<Input>(tool: {
  readonly name: string;
  readonly description: string;
  readonly input: z.ZodType<Input>;
  readonly run: (input: Input) => Promise<ToolAnswer>;
}): AgentTool {
  const { $schema: _, ...parameters } = z.toJSONSchema(tool.input);
  return {
    name: tool.name,
    description: tool.description,
    parameters,
    use: async (input) => {
      const parsed = tool.input.safeParse(input);
      if (!parsed.success) return refused(`wrong arguments of ${tool.name}: ${firstProblem(parsed.error)}`);
      try {
        return await tool.run(parsed.data);
      } catch (error) {
        return refused(`${tool.name} failed: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
  };
}
