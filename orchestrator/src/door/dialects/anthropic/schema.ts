import { z } from 'zod';
import { callId, jsonObject, tokenLimit, toolName } from '../request-parts.ts';

const cacheControl = z.unknown().optional();
const textBlock = z.object({ type: z.literal('text'), text: z.string(), cache_control: cacheControl });
const imageBlock = z.object({
  type: z.literal('image'),
  source: z.object({ type: z.literal('base64'), media_type: z.string(), data: z.string() }),
  cache_control: cacheControl,
});
/** The name of a tool whose definition was kept back until now. */
const toolReference = z.object({ type: z.literal('tool_reference'), tool_name: toolName });
const documentBlock = z.object({
  type: z.literal('document'),
  source: z.object({ type: z.literal('text'), data: z.string() }),
  title: z.string().nullish(),
  cache_control: cacheControl,
});

const resultBlock = z.discriminatedUnion('type', [textBlock, imageBlock, toolReference, documentBlock]);
export type ResultBlock = z.infer<typeof resultBlock>;

const block = z.discriminatedUnion('type', [
  textBlock,
  imageBlock,
  documentBlock,
  z.object({
    type: z.literal('tool_use'),
    id: callId,
    name: toolName,
    input: jsonObject,
    cache_control: cacheControl,
  }),
  z.object({
    type: z.literal('tool_result'),
    tool_use_id: callId,
    content: z.union([z.string(), z.array(resultBlock)]).optional(),
    is_error: z.boolean().nullish(),
    cache_control: cacheControl,
  }),
  // Thoughts of a model; ours have none that could be sent back.
  z.object({ type: z.literal('thinking') }),
  z.object({ type: z.literal('redacted_thinking') }),
]);
export type Block = z.infer<typeof block>;

const message = z.object({
  role: z.enum(['user', 'assistant', 'system']),
  content: z.union([z.string(), z.array(block)]),
});
export type Message = z.infer<typeof message>;

const tool = z.object({
  /** Absent or `custom` for tools of the agent's own; any other is one of Anthropic's. */
  type: z.string().nullish(),
  name: toolName,
  description: z.string().nullish(),
  input_schema: jsonObject.optional(),
  defer_loading: z.boolean().nullish(),
  cache_control: cacheControl,
});
export type Tool = z.infer<typeof tool>;

const answerFormat = z.object({ type: z.literal('json_schema'), schema: jsonObject }).nullish();

/** What of a request is read; everything else in it has no effect. */
export const countRequest = z.object({
  system: z.union([z.string(), z.array(textBlock)]).nullish(),
  messages: z.array(message).min(1).max(100_000),
  tools: z.array(tool).max(1024).nullish(),
  output_config: z.object({ format: answerFormat }).nullish(),
});

export const messagesRequest = countRequest.extend({ max_tokens: tokenLimit, stream: z.boolean().nullish() });
export type MessagesRequest = z.infer<typeof messagesRequest>;
