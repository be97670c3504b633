import type { Content, Part } from '@google/genai';
import { argumentsOf } from '../exchange.ts';
import type { ModelMessage, ModelRequest } from '../model.ts';

/** The conversation in Gemini's form. */
export function toContents({ messages }: ModelRequest): Content[] {
  return messages.map((message) => ({
    role: message.role === 'assistant' ? 'model' : 'user',
    parts: toParts(message),
  }));
}

function toParts(message: ModelMessage): Part[] {
  if (message.role === 'tool') {
    return message.results.map(({ callId, name, text, isError }) => ({
      functionResponse: { id: callId, name, response: isError ? { error: text } : { output: text } },
    }));
  }
  if (message.role === 'assistant') {
    const calls = message.toolCalls.map(({ id, name, input, signature }) => ({
      functionCall: { id, name, args: argumentsOf(input) },
      ...(signature === undefined ? {} : { thoughtSignature: signature }),
    }));
    return [...(message.text === '' ? [] : [{ text: message.text }]), ...calls];
  }
  return message.content.map((part) =>
    part.type === 'text' ? { text: part.text } : { inlineData: { mimeType: part.mediaType, data: part.data } },
  );
}
