import { z } from 'zod';
import { callId, jsonObject, tokenLimit, toolName } from '../request-parts.ts';

const message = z.object({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.string().nullish(),
  /** Base64. */
  images: z.array(z.string()).nullish(),
  tool_calls: z
    .array(z.object({ id: callId.nullish(), function: z.object({ name: toolName, arguments: jsonObject.nullish() }) }))
    .max(1024)
    .nullish(),
  tool_name: toolName.nullish(),
  tool_call_id: callId.nullish(),
});
export type OllamaMessage = z.infer<typeof message>;

const tool = z.object({
  type: z.literal('function'),
  function: z.object({ name: toolName, description: z.string().nullish(), parameters: jsonObject.nullish() }),
});

/** What of a request is read; everything else in it has no effect. */
export const chatRequest = z.object({
  messages: z.array(message).min(1).max(100_000),
  tools: z.array(tool).max(1024).nullish(),
  format: z.union([z.literal('json'), z.literal(''), jsonObject]).nullish(),
  options: z.object({ num_predict: z.int().nullish() }).nullish(),
  stream: z.boolean().nullish(),
});
export type OllamaChatRequest = z.infer<typeof chatRequest>;

/** `num_predict` of -1 and -2 stand for "without limit". */
export const countLimit = tokenLimit.catch(null);

export const showRequest = z.object({ model: z.string().nullish(), name: z.string().nullish() });
