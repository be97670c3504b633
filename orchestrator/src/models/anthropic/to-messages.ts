import type Anthropic from '@anthropic-ai/sdk';
import { argumentsOf } from '../exchange.ts';
import type { ModelMessage, ModelRequest } from '../model.ts';

/** The conversation in Anthropic's form; with `cachePrefix` the last message is marked to be kept in the cache. */
export function toMessages({ messages, cachePrefix }: ModelRequest): Anthropic.MessageParam[] {
  return messages.map((message, index) => ({
    role: message.role === 'assistant' ? 'assistant' : 'user',
    content: marked(toBlocks(message), cachePrefix && index === messages.length - 1),
  }));
}

function marked(blocks: Anthropic.ContentBlockParam[], wanted: boolean): Anthropic.ContentBlockParam[] {
  const last = blocks.at(-1);
  if (!wanted || (last?.type !== 'text' && last?.type !== 'tool_result')) return blocks;
  return [...blocks.slice(0, -1), { ...last, cache_control: { type: 'ephemeral' } }];
}

function toBlocks(message: ModelMessage): Anthropic.ContentBlockParam[] {
  if (message.role === 'tool') {
    return message.results.map(({ callId, text, isError }) => ({
      type: 'tool_result',
      tool_use_id: callId,
      content: text,
      is_error: isError,
    }));
  }
  if (message.role === 'assistant') {
    const text: Anthropic.ContentBlockParam[] = message.text === '' ? [] : [{ type: 'text', text: message.text }];
    const calls = message.toolCalls.map(({ id, name, input }) => ({
      type: 'tool_use' as const,
      id,
      name,
      input: argumentsOf(input),
    }));
    return [...text, ...calls];
  }
  return message.content.map((part) =>
    part.type === 'text'
      ? { type: 'text', text: part.text }
      : { type: 'image', source: { type: 'base64', media_type: part.mediaType, data: part.data } },
  );
}
