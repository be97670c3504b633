import type OpenAI from 'openai';
import { argumentsOf } from '../exchange.ts';
import type { ModelMessage, ModelRequest } from '../model.ts';

type Message = OpenAI.ChatCompletionMessageParam;

/** The conversation in the form of Chat Completions. */
export function toMessages({ system, messages }: ModelRequest): Message[] {
  const first: Message[] = system === '' ? [] : [{ role: 'system', content: system }];
  return [...first, ...messages.flatMap(toMessage)];
}

function toMessage(message: ModelMessage): Message[] {
  if (message.role === 'tool') {
    return message.results.map(({ callId, text }) => ({ role: 'tool', tool_call_id: callId, content: text }));
  }
  if (message.role === 'assistant') {
    const calls = message.toolCalls.map(({ id, name, input }) => ({
      type: 'function' as const,
      id,
      function: { name, arguments: JSON.stringify(argumentsOf(input)) },
    }));
    return [{ role: 'assistant', content: message.text, ...(calls.length === 0 ? {} : { tool_calls: calls }) }];
  }
  const content = message.content.map((part) =>
    part.type === 'text'
      ? { type: 'text' as const, text: part.text }
      : { type: 'image_url' as const, image_url: { url: `data:${part.mediaType};base64,${part.data}` } },
  );
  return [{ role: 'user', content }];
}
