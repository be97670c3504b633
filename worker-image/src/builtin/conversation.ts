import type { ChatMessage, ChatToolCall } from '@agentcompany/protocol';
import type { ToolAnswer } from './tools/tool.ts';

type AssistantMessage = Extract<ChatMessage, { role: 'assistant' }>;
type Result = Extract<ChatMessage, { role: 'tool' }>['results'][number];

/** Characters: of the answers to the calls of one turn together; above what a conversation is condensed, and to what. */
const limits = { results: 131_072, conversation: 480_000, condensed: 320_000 } as const;
/** Characters of an old output or argument that stay. */
const keptOfOld = 400;
/** Messages at the end that are never condensed: what the agent is at. */
const recent = 6;

/** The model's answer as it goes back to it. An empty one is refused by some providers. */
export function assistantMessage(text: string, calls: readonly ChatToolCall[]): AssistantMessage {
  const toolCalls = calls.map(({ id, name, input, signature }) => {
    return { id, name, input, ...(signature === undefined ? {} : { signature }) };
  });
  return { role: 'assistant', text: text === '' && calls.length === 0 ? '(no answer)' : text, tool_calls: toolCalls };
}

/** The answers to one turn's calls, cut where they are too much together. Halves of characters go: no model is sent any. */
export function toolMessage(calls: readonly ChatToolCall[], answers: readonly ToolAnswer[]): ChatMessage {
  let room: number = limits.results;
  const results = calls.map((call, index): Result => {
    const { text, isError } = answers[index] ?? { text: 'it was not run', isError: true };
    const shown = text.length > room ? `${text.slice(0, room)}\n[cut]` : text;
    room = Math.max(0, room - shown.length);
    return {
      call_id: call.id,
      name: call.name,
      text: shown === '' ? '[empty]' : shown.toWellFormed(),
      is_error: isError,
    };
  });
  return { role: 'tool', results };
}

function shortened(text: string): string {
  if (text.length <= keptOfOld) return text;
  return `${text.slice(0, keptOfOld).toWellFormed()}\n[left out: ${text.length - keptOfOld} characters]`;
}

function shortenedInput(input: unknown): unknown {
  if (typeof input === 'string') return shortened(input);
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input;
  return Object.fromEntries(Object.entries(input).map(([name, value]) => [name, shortenedInput(value)]));
}

/** What a message says, in short. A signed call stays: its provider wants to see it unchanged. */
function condensed(message: ChatMessage): ChatMessage {
  if (message.role === 'user') return message;
  if (message.role === 'tool')
    return { role: 'tool', results: message.results.map((result) => ({ ...result, text: shortened(result.text) })) };
  const calls = message.tool_calls.map((call) =>
    call.signature === undefined ? { ...call, input: shortenedInput(call.input) } : call,
  );
  return { ...message, tool_calls: calls };
}

const lengthOf = (message: ChatMessage): number => JSON.stringify(message).length;

/**
 * The conversation, made to fit a model's memory: of the oldest outputs and arguments only the beginning is kept until the rest
 * fits. Every call keeps its answer. It is done rarely and much at once, so that providers can keep what they know of it.
 */
export function fitted(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  let length = messages.reduce((total, message) => total + lengthOf(message), 0);
  if (length <= limits.conversation) return messages;
  return messages.map((message, index) => {
    if (length <= limits.condensed || index >= messages.length - recent) return message;
    const short = condensed(message);
    length -= lengthOf(message) - lengthOf(short);
    return short;
  });
}
