import { appErrorSchema } from '@agentcompany/protocol';
import { z } from 'zod';

/** What passes between the engine home and worker hosts for the models of an attempt (docs/many-machines.md). */
const tokens = z.number().nonnegative();
const usage = z.object({ input: tokens, output: tokens, cache_read: tokens, cache_write: tokens });
const toolCall = z.object({
  id: z.string(),
  name: z.string(),
  input: z.unknown(),
  problem: appErrorSchema.nullable(),
  signature: z.string().optional(),
});
const textPart = z.object({ type: z.literal('text'), text: z.string() });
const imagePart = z.object({
  type: z.literal('image'),
  mediaType: z.enum(['image/png', 'image/jpeg', 'image/webp', 'image/gif']),
  data: z.string(),
});
const toolResult = z.object({ callId: z.string(), name: z.string(), text: z.string(), isError: z.boolean() });

/** A request to a model, as an attempt's door made it. */
export const hostModelRequest = z.strictObject({
  system: z.string(),
  messages: z.array(
    z.discriminatedUnion('role', [
      z.object({ role: z.literal('user'), content: z.array(z.discriminatedUnion('type', [textPart, imagePart])) }),
      z.object({ role: z.literal('assistant'), text: z.string(), toolCalls: z.array(toolCall) }),
      z.object({ role: z.literal('tool'), results: z.array(toolResult) }),
    ]),
  ),
  tools: z.array(
    z.object({ name: z.string(), description: z.string(), parameters: z.record(z.string(), z.unknown()) }),
  ),
  answerSchema: z.object({ name: z.string(), schema: z.record(z.string(), z.unknown()) }).nullable(),
  maxOutputTokens: z.int().positive(),
  temperature: z.number().min(0).max(2).nullable(),
  cachePrefix: z.boolean(),
});

/** An event of a model's answer. */
export const modelEventSchema = z.discriminatedUnion('type', [
  textPart,
  z.object({ type: z.literal('tool_call'), call: toolCall }),
  z.object({ type: z.literal('usage'), usage }),
  z.object({ type: z.literal('end'), stop: z.enum(['finished', 'tool_calls', 'length']) }),
  z.object({ type: z.literal('failed'), error: appErrorSchema, retryAfterMs: z.number().nullable() }),
]);

/** A line of the answer: an event, or what a request took. Empty lines only say that the engine home is there. */
export const hostModelLine = z.discriminatedUnion('type', [
  ...modelEventSchema.options,
  z.object({
    type: z.literal('call'),
    call: z.object({
      provider: z.string(),
      model: z.string(),
      usage,
      cost_usd: z.number().nonnegative().nullable(),
      estimated: z.literal(true).optional(),
    }),
  }),
]);
export type HostModelLine = z.infer<typeof hostModelLine>;

/** Bytes of a request: one of the door in full escapes. */
export const maximumModelRequestBytes = 32 * 1024 ** 2;
/** Milliseconds between two signs of life while a model thinks. */
export const modelBeatMs = 10_000;
