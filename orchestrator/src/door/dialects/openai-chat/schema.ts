import { z } from 'zod';
import { callId, jsonObject, tokenLimit, toolName } from '../request-parts.ts';

const textPart = z.object({ type: z.literal('text'), text: z.string() });
const imagePart = z.object({ type: z.literal('image_url'), image_url: z.object({ url: z.string() }) });
const userPart = z.discriminatedUnion('type', [textPart, imagePart]);
export type ChatPart = z.infer<typeof userPart>;

const text = z.union([z.string(), z.array(textPart)]);

const toolCall = z.object({
  id: callId,
  type: z.literal('function').default('function'),
  function: z.object({ name: toolName, arguments: z.string() }),
});
export type ChatCall = z.infer<typeof toolCall>;

const message = z.discriminatedUnion('role', [
  z.object({ role: z.enum(['system', 'developer']), content: text }),
  z.object({ role: z.literal('user'), content: z.union([z.string(), z.array(userPart)]) }),
  z.object({
    role: z.literal('assistant'),
    content: text.nullish(),
    tool_calls: z.array(toolCall).max(1024).nullish(),
  }),
  z.object({ role: z.literal('tool'), tool_call_id: callId, content: z.union([z.string(), z.array(userPart)]) }),
]);
export type ChatMessage = z.infer<typeof message>;

const tool = z.object({
  /** `function`; others are carried out by OpenAI. */
  type: z.string(),
  function: z
    .object({ name: toolName, description: z.string().nullish(), parameters: jsonObject.nullish() })
    .optional(),
});

const responseFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({ name: toolName, schema: jsonObject.nullish() }),
  }),
]);

/** What of a request is read; everything else in it has no effect. */
export const chatCompletionRequest = z.object({
  messages: z.array(message).min(1).max(100_000),
  tools: z.array(tool).max(1024).nullish(),
  response_format: responseFormat.nullish(),
  max_completion_tokens: tokenLimit,
  max_tokens: tokenLimit,
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
});
export type ChatCompletionRequest = z.infer<typeof chatCompletionRequest>;
