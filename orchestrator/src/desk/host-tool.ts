import { failure, firstProblem, type Result } from '@agentcompany/protocol';
import { z } from 'zod';
import type { ToolDefinition } from '../models/model.ts';
import { deskErrors } from './errors.ts';

/** One tool on the host's side of the door. */
export interface HostTool {
  readonly definition: ToolDefinition;
  /** `input` is whatever a worker wrote, of a depth that can be walked. Errors are told to the agent. */
  call(input: unknown, signal: AbortSignal): Promise<Result<string>>;
}

/** A tool whose input has the form of `schema`; what has not is answered with `AC_TOOL_INPUT`. */
export function hostTool<Input>(
  name: string,
  description: string,
  schema: z.ZodType<Input>,
  run: (input: Input, signal: AbortSignal) => Promise<Result<string>>,
): HostTool {
  const { $schema: _, ...parameters } = z.toJSONSchema(schema, { io: 'input' });
  return {
    definition: { name, description, parameters },
    call: async (input, signal) => {
      const parsed = schema.safeParse(input);
      if (parsed.success) return run(parsed.data, signal);
      return failure(deskErrors.AC_TOOL_INPUT({ tool: name, problem: firstProblem(parsed.error) }));
    },
  };
}
