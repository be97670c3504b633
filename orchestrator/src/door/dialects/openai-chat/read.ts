import type { ModelRequest, UserPart } from '../../../models/model.ts';
import type { AttemptModels } from '../../attempt-services.ts';
import { Conversation } from '../conversation.ts';
import { assemble, imageOfUrl, parseArguments, splitResult, type GivenTool, type Read } from '../request-parts.ts';
import { ToolNames } from '../tool-names.ts';
import type { ChatCall, ChatCompletionRequest, ChatMessage, ChatPart } from './schema.ts';

/** A request of Chat Completions in our form. */
export function readChat(body: ChatCompletionRequest, models: AttemptModels): Read {
  const names = new ToolNames();
  const conversation = new Conversation(names);
  readMessages(conversation, body.messages);
  const all = body.tools ?? [];
  const tools = all.flatMap(({ type, function: given }): GivenTool[] => {
    if (type !== 'function' || given === undefined) return [];
    return [{ name: given.name, description: given.description ?? '', parameters: given.parameters ?? {} }];
  });
  return assemble(
    {
      conversation,
      names,
      tools,
      providerTools: all.length - tools.length,
      answerSchema: answerSchemaOf(body.response_format),
      maxTokens: body.max_completion_tokens ?? body.max_tokens,
      isStream: body.stream === true,
      // The format has no mark for it; whoever has tools will send the same beginning again.
      cachePrefix: tools.length > 0,
    },
    models,
  );
}

function answerSchemaOf(format: ChatCompletionRequest['response_format']): ModelRequest['answerSchema'] {
  if (format?.type === 'json_object') return { name: 'answer', schema: { type: 'object' } };
  if (format?.type !== 'json_schema') return null;
  const { name, schema } = format.json_schema;
  return { name, schema: schema ?? { type: 'object' } };
}

function readMessages(conversation: Conversation, messages: readonly ChatMessage[]): void {
  // Images that tools gave follow when all results of an answer are told: nothing may come between those.
  let images: readonly UserPart[] = [];
  for (const message of messages) {
    if (message.role === 'tool') {
      const { text, images: more } = splitResult(toParts(conversation, message.content));
      images = [...images, ...more];
      conversation.results([{ callId: message.tool_call_id, text, isError: false }]);
      continue;
    }
    conversation.user(images);
    images = [];
    if (message.role === 'user') conversation.user(toParts(conversation, message.content));
    else if (message.role === 'assistant')
      conversation.assistant(textOf(message.content ?? ''), (message.tool_calls ?? []).map(toCall));
    else conversation.system(textOf(message.content));
  }
  conversation.user(images);
}

function toCall({ id, function: called }: ChatCall): { id: string; name: string; input: unknown } {
  return { id, name: called.name, input: parseArguments(called.arguments) };
}

function textOf(content: string | readonly { readonly text: string }[]): string {
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('');
}

function toParts(conversation: Conversation, content: string | readonly ChatPart[]): readonly UserPart[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return content.flatMap((part): readonly UserPart[] => {
    if (part.type === 'text') return [{ type: 'text', text: part.text }];
    const image = imageOfUrl(part.image_url.url);
    if (image === null) conversation.refuse('an image is not a data: URL of a png, jpeg, webp or gif in base64');
    return image === null ? [] : [image];
  });
}
