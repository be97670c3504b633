import type { ChatEvent, ChatMessage, ChatRequest } from '@agentcompany/protocol';
import type { ModelEvent, ModelMessage, ModelRequest } from '../models/model.ts';
import type { AttemptModels } from './attempt-services.ts';

/**
 * What a worker said in the neutral dialect as a request: its words are words of the conversation and descriptions of its tools, and
 * nothing else. Which model, how long and how warm is the attempt's, never the worker's (S42).
 */
export function toModelRequest(
  { system, messages, tools }: ChatRequest,
  { maxOutputTokens, temperature }: Pick<AttemptModels, 'maxOutputTokens' | 'temperature'>,
): ModelRequest {
  return {
    system,
    messages: messages.map(toMessage),
    tools: tools.map(({ name, description, parameters }) => ({ name, description, parameters })),
    answerSchema: null,
    maxOutputTokens,
    temperature,
    // An agent sends its conversation again with every step.
    cachePrefix: true,
  };
}

function toMessage(message: ChatMessage): ModelMessage {
  switch (message.role) {
    case 'user':
      return { role: 'user', content: [{ type: 'text', text: message.text }] };
    case 'assistant': {
      const toolCalls = message.tool_calls.map(({ id, name, input, signature }) => {
        return { id, name, input, problem: null, ...(signature === undefined ? {} : { signature }) };
      });
      return { role: 'assistant', text: message.text, toolCalls };
    }
    case 'tool': {
      const results = message.results.map(({ call_id, name, text, is_error }) => {
        return { callId: call_id, name, text, isError: is_error };
      });
      return { role: 'tool', results };
    }
  }
}

/** An event as the worker hears it; null for what is none of its business: tokens are measured here. */
export function toChatEvent(event: ModelEvent): ChatEvent | null {
  switch (event.type) {
    case 'text':
    case 'end':
    case 'tool_call':
      return event;
    case 'usage':
      return null;
    case 'failed':
      return { type: 'failed', error: event.error };
  }
}
