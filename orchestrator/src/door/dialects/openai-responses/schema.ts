import { z } from 'zod';
import { callId, jsonObject, tokenLimit, toolName } from '../request-parts.ts';

const inputPart = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['input_text', 'output_text', 'text']), text: z.string() }),
  z.object({ type: z.literal('refusal'), refusal: z.string() }),
  z.object({ type: z.literal('input_image'), image_url: z.string() }),
]);
export type InputPart = z.infer<typeof inputPart>;

const content = z.union([z.string(), z.array(inputPart)]);

const message = z.object({
  type: z.literal('message').default('message'),
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content,
});

const output = { call_id: callId, output: content };

const shellAction = z.object({ type: z.literal('exec').default('exec'), command: z.array(z.string()) }).loose();

const item = z.discriminatedUnion('type', [
  message.extend({ type: z.literal('message') }),
  z.object({
    type: z.literal('function_call'),
    call_id: callId,
    name: toolName,
    namespace: z.string().max(256).nullish(),
    arguments: z.string(),
  }),
  z.object({ type: z.literal('function_call_output'), ...output }),
  z.object({ type: z.literal('custom_tool_call'), call_id: callId, name: toolName, input: z.string() }),
  z.object({ type: z.literal('custom_tool_call_output'), ...output }),
  z.object({ type: z.literal('local_shell_call'), call_id: callId, action: shellAction }),
  z.object({
    type: z.literal('local_shell_call_output'),
    call_id: callId.optional(),
    id: callId.optional(),
    output: content,
  }),
  // Thoughts of a model; ours have none that could be sent back.
  z.object({ type: z.literal('reasoning') }),
]);
export type InputItem = z.infer<typeof item> | z.infer<typeof message>;

const functionTool = z.object({
  type: z.literal('function'),
  name: toolName,
  description: z.string().nullish(),
  parameters: jsonObject.nullish(),
});
const customTool = z.object({
  type: z.literal('custom'),
  name: toolName,
  description: z.string().nullish(),
  /** The grammar its text must keep to. */
  format: z.object({ definition: z.string().optional() }).nullish(),
});
const ownTool = z.discriminatedUnion('type', [
  functionTool,
  customTool,
  z.object({ type: z.literal('local_shell') }),
  z.object({
    type: z.literal('namespace'),
    name: toolName,
    tools: z.array(z.discriminatedUnion('type', [functionTool, customTool])).max(1024),
  }),
]);
export type OwnTool = z.infer<typeof ownTool>;
const ownKinds: readonly string[] = ['function', 'custom', 'local_shell', 'namespace'];

/** Any other tool is one that OpenAI itself carries out. */
const tool = z.union([
  ownTool,
  z.object({ type: z.string().refine((type) => !ownKinds.includes(type)) }).transform(() => null),
]);

const textFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({ type: z.literal('json_schema'), name: toolName, schema: jsonObject }),
]);

/** What of a request is read; everything else in it has no effect. */
export const responsesRequest = z.object({
  instructions: z.string().nullish(),
  input: z.union([z.string(), z.array(z.union([item, message])).max(100_000)]),
  tools: z.array(tool).max(1024).nullish(),
  text: z.object({ format: textFormat.nullish() }).nullish(),
  max_output_tokens: tokenLimit,
  stream: z.boolean().nullish(),
  /** Nothing is kept here that a later request could refer to. */
  previous_response_id: z.null().optional(),
});
export type ResponsesRequest = z.infer<typeof responsesRequest>;
