import { success, type Result } from '@agentcompany/protocol';
import type { ModelRequest, UserPart } from '../../../models/model.ts';
import type { AttemptModels } from '../../attempt-services.ts';
import { Conversation } from '../conversation.ts';
import { assemble, imageOfUrl, parseArguments, splitResult, type Asked } from '../request-parts.ts';
import { ToolNames } from '../tool-names.ts';
import { AgentTools, fullName, shellName } from './agent-tools.ts';
import type { InputItem, InputPart, ResponsesRequest } from './schema.ts';

/** A request of the Responses API in our form, and the tools whose calls it will be answered with. */
export function readResponses(
  body: ResponsesRequest,
  models: AttemptModels,
): Result<{ readonly asked: Asked; readonly tools: AgentTools }, string> {
  const names = new ToolNames();
  const conversation = new Conversation(names);
  conversation.system(body.instructions ?? '');
  const { input } = body;
  readItems(conversation, typeof input === 'string' ? [{ type: 'message', role: 'user', content: input }] : input);
  const all = body.tools ?? [];
  const own = all.filter((tool) => tool !== null);
  const tools = new AgentTools(own);
  const read = assemble(
    {
      conversation,
      names,
      tools: tools.given,
      providerTools: all.length - own.length,
      answerSchema: answerSchemaOf(body.text?.format),
      maxTokens: body.max_output_tokens,
      isStream: body.stream === true,
      // The format has no mark for it; whoever has tools will send the same beginning again.
      cachePrefix: tools.given.length > 0,
    },
    models,
  );
  return read.ok ? success({ asked: read.value, tools }) : read;
}

function answerSchemaOf(format: NonNullable<ResponsesRequest['text']>['format']): ModelRequest['answerSchema'] {
  if (format?.type === 'json_object') return { name: 'answer', schema: { type: 'object' } };
  return format?.type === 'json_schema' ? { name: format.name, schema: format.schema } : null;
}

function readItems(conversation: Conversation, items: readonly InputItem[]): void {
  // Images that tools gave follow when all results of an answer are told: nothing may come between those.
  let images: readonly UserPart[] = [];
  for (const item of items) {
    if (isOutput(item)) {
      const { text, images: more } = splitResult(toParts(conversation, item.output));
      images = [...images, ...more];
      const id = item.call_id ?? (item.type === 'local_shell_call_output' ? item.id : undefined) ?? '';
      conversation.results([{ callId: id, text, isError: false }]);
      continue;
    }
    conversation.user(images);
    images = [];
    if (item.type === 'message') readMessage(conversation, item);
    else if (item.type !== 'reasoning') readCall(conversation, item);
  }
  conversation.user(images);
}

type OutputItem = Extract<InputItem, { output: unknown }>;
type CallItem = Extract<InputItem, { type: 'function_call' | 'custom_tool_call' | 'local_shell_call' }>;
type MessageItem = Extract<InputItem, { type: 'message' }>;

const isOutput = (item: InputItem): item is OutputItem => 'output' in item;

function readMessage(conversation: Conversation, { role, content }: MessageItem): void {
  const parts = toParts(conversation, content);
  if (role === 'user') return conversation.user(parts);
  const text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
  // What an answer consists of comes in single items.
  if (role === 'assistant') conversation.assistant(text, [], true);
  else conversation.system(text);
}

function readCall(conversation: Conversation, item: CallItem): void {
  const call = { id: item.call_id, ...calledBy(item) };
  conversation.assistant('', [call], true);
}

function calledBy(item: CallItem): { readonly name: string; readonly input: unknown } {
  if (item.type === 'function_call')
    return { name: fullName(item.name, item.namespace), input: parseArguments(item.arguments) };
  if (item.type === 'custom_tool_call') return { name: item.name, input: { input: item.input } };
  const { type: _, ...action } = item.action;
  return { name: shellName, input: action };
}

function toParts(conversation: Conversation, content: string | readonly InputPart[]): readonly UserPart[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return content.flatMap((part): readonly UserPart[] => {
    if (part.type === 'refusal') return [{ type: 'text', text: part.refusal }];
    if (part.type !== 'input_image') return [{ type: 'text', text: part.text }];
    const image = imageOfUrl(part.image_url);
    if (image === null) conversation.refuse('an image is not a data: URL of a png, jpeg, webp or gif in base64');
    return image === null ? [] : [image];
  });
}
