import type { ModelRequest, UserPart } from '../../../models/model.ts';
import type { AttemptModels } from '../../attempt-services.ts';
import { Conversation } from '../conversation.ts';
import { assemble, imagePart, type Read } from '../request-parts.ts';
import { ToolNames } from '../tool-names.ts';
import { countLimit, type OllamaChatRequest, type OllamaMessage } from './schema.ts';

/** A request of ollama's chat in our form. */
export function readOllamaChat(body: OllamaChatRequest, models: AttemptModels): Read {
  const names = new ToolNames();
  const conversation = new Conversation(names);
  for (const message of body.messages) readMessage(conversation, names, message);
  const tools = (body.tools ?? []).map(({ function: given }) => given);
  return assemble(
    {
      conversation,
      names,
      tools: tools.map(({ name, description, parameters }) => ({
        name,
        description: description ?? '',
        parameters: parameters ?? {},
      })),
      providerTools: 0,
      answerSchema: answerSchemaOf(body.format),
      maxTokens: countLimit.parse(body.options?.num_predict),
      isStream: body.stream !== false,
      // The format has no mark for it; whoever has tools will send the same beginning again.
      cachePrefix: tools.length > 0,
    },
    models,
  );
}

function answerSchemaOf(format: OllamaChatRequest['format']): ModelRequest['answerSchema'] {
  if (format === undefined || format === null || format === '') return null;
  return { name: 'answer', schema: format === 'json' ? { type: 'object' } : format };
}

function readMessage(conversation: Conversation, names: ToolNames, message: OllamaMessage): void {
  const text = message.content ?? '';
  if (message.role === 'system') return conversation.system(text);
  if (message.role === 'assistant') {
    const calls = (message.tool_calls ?? []).map(({ id, function: { name, arguments: input } }, index) => ({
      id: id ?? `call-${conversation.callCount + index + 1}`,
      name,
      input: input ?? {},
    }));
    return conversation.assistant(text, calls);
  }
  if (message.role === 'tool') {
    const callId = message.tool_call_id ?? openCall(conversation, names, message.tool_name);
    return conversation.results([{ callId, text, isError: false }]);
  }
  const images = (message.images ?? []).flatMap((data) => toImage(conversation, data));
  return conversation.user([{ type: 'text', text }, ...images]);
}

/** The oldest call without a result, of that name where one is given. */
function openCall(conversation: Conversation, names: ToolNames, given: string | null | undefined): string {
  const name = typeof given === 'string' ? names.toNeutral(given) : null;
  return conversation.openCalls().find((call) => name === null || call.name === name)?.id ?? name ?? '';
}

/** How each kind of image begins, in base64: the format does not say which it is. */
const beginnings = { 'iVBORw0KGgo': 'image/png', '/9j/': 'image/jpeg', 'UklGR': 'image/webp', 'R0lGOD': 'image/gif' };

function toImage(conversation: Conversation, data: string): readonly UserPart[] {
  const mediaType = Object.entries(beginnings).find(([beginning]) => data.startsWith(beginning))?.[1];
  const image = imagePart(mediaType ?? '', data);
  if (image === null) conversation.refuse('an image is neither png, jpeg, webp nor gif in base64');
  return image === null ? [] : [image];
}
