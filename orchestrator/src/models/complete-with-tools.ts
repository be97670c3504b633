import type { Result } from '@agentcompany/protocol';
import { modelErrors as errors } from './errors.ts';
import type {
  CallOptions,
  Model,
  ModelMessage,
  ModelReply,
  ModelRequest,
  ToolCall,
  ToolDefinition,
  ToolResult,
} from './model.ts';

/** Something a model may have done by us. */
export interface Tool {
  readonly definition: ToolDefinition;
  /** The text for the model; a failure is told to it as well. The input is whatever the model wrote. */
  readonly run: (input: unknown) => Promise<Result<string>>;
}

/** Calls of one answer that are carried out; a model that asks for more hears so. */
const maximumCalls = 16;

/**
 * Lets a model work with tools until it answers in words, at most `rounds` times; then it is told to answer. What it asks for is
 * carried out in its order and given back; an unknown tool, wrong arguments and a failing tool are answers for the model to
 * go on from (row W8). Errors: those of a call.
 */
export async function completeWithTools(
  model: Model,
  request: Omit<ModelRequest, 'tools'>,
  work: { readonly tools: readonly Tool[]; readonly rounds: number },
  options: CallOptions,
): Promise<Result<ModelReply>> {
  const tools = work.tools.map(({ definition }) => definition);
  let messages = request.messages;
  for (let round = 0; ; round += 1) {
    // What was said before is sent again each round.
    const cachePrefix = request.cachePrefix || round > 0;
    const reply = await model.complete({ ...request, messages, tools, cachePrefix }, options);
    if (!reply.ok || reply.value.toolCalls.length === 0 || round > work.rounds) return reply;
    const { text, toolCalls } = reply.value;
    const results = await carryOut(toolCalls, round < work.rounds ? work.tools : []);
    const said: ModelMessage = { role: 'assistant', text, toolCalls };
    messages = [...messages, said, { role: 'tool', results }];
  }
}

async function carryOut(calls: readonly ToolCall[], tools: readonly Tool[]): Promise<readonly ToolResult[]> {
  const results: ToolResult[] = [];
  for (const [index, call] of calls.entries()) {
    const isOver = tools.length === 0 || index >= maximumCalls;
    const outcome = isOver ? 'There are no more calls: answer now with what you know.' : await run(call, tools);
    const isError = typeof outcome !== 'string';
    const text = isError ? outcome.message : outcome;
    results.push({ callId: call.id, name: call.name, text, isError: isError || isOver });
  }
  return results;
}

async function run(call: ToolCall, tools: readonly Tool[]): Promise<string | { readonly message: string }> {
  const tool = tools.find(({ definition }) => definition.name === call.name);
  if (tool === undefined || call.problem !== null)
    return call.problem ?? errors.AC_MODEL_TOOL_UNKNOWN({ tool: call.name, known: '' });
  const outcome = await tool.run(call.input);
  return outcome.ok ? outcome.value : outcome.error;
}
