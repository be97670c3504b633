import { z } from 'zod';
import { appErrorSchema } from './app-error.ts';

/**
 * The neutral dialect in which the builtin agent speaks with a model through the door: `POST /model/chat` with a `chatRequest`,
 * answered by NDJSON of `chatEvent`s, the last of which is `end` or `failed`. Which model answers is not the worker's to say.
 */
const toolCall = z.strictObject({
  id: z.string().min(1).max(256),
  name: z.string().min(1).max(128),
  input: z.unknown(),
  /** To be sent back as it came. */
  signature: z.string().max(65_536).optional(),
});

const chatMessage = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('user'), text: z.string() }),
  z.strictObject({ role: z.literal('assistant'), text: z.string(), tool_calls: z.array(toolCall).max(128) }),
  z.strictObject({
    role: z.literal('tool'),
    results: z
      .array(
        z.strictObject({
          call_id: z.string().min(1).max(256),
          name: z.string().min(1).max(128),
          text: z.string(),
          is_error: z.boolean(),
        }),
      )
      .min(1)
      .max(128),
  }),
]);
export type ChatMessage = z.infer<typeof chatMessage>;

export const chatRequest = z.strictObject({
  system: z.string().max(262_144),
  messages: z.array(chatMessage).min(1).max(10_000),
  tools: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
        description: z.string().max(8192),
        /** JSON schema of its one argument, an object. */
        parameters: z.record(z.string(), z.unknown()),
      }),
    )
    .max(128),
});
export type ChatRequest = z.infer<typeof chatRequest>;

/** A call the model asks for; `problem`: unknown tool or wrong arguments, to be given back to the model instead of a result. */
export const chatToolCall = toolCall.extend({ problem: appErrorSchema.nullable() });
export type ChatToolCall = z.infer<typeof chatToolCall>;

export const chatEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('tool_call'), call: chatToolCall }),
  z.object({ type: z.literal('end'), stop: z.enum(['finished', 'tool_calls', 'length']) }),
  z.object({ type: z.literal('failed'), error: appErrorSchema }),
]);
export type ChatEvent = z.infer<typeof chatEvent>;
