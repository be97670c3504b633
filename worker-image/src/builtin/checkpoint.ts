import { chatRequest, type ChatMessage } from '@agentcompany/protocol';
import { z } from 'zod';
import { leftWork } from '../leave-work.ts';

/** What an attempt of the builtin agent leaves the next one. */
export interface Checkpoint {
  readonly messages: readonly ChatMessage[];
  /** Answers of the model in all attempts that the conversation comes from. */
  readonly turns: number;
  /** The feedback that the conversation has heard of, as JSON. */
  readonly told: string;
  /** Ids of the notes of people that are in the conversation. */
  readonly heard: readonly string[];
  /** Null: it could not be kept. */
  readonly patch: Buffer | null;
}

const form = leftWork.extend({
  turns: z.int().nonnegative(),
  messages: chatRequest.shape.messages,
  told: z.string(),
  heard: z.array(z.string()).default([]),
});

/** Whether every call has its answer, right after it. Providers refuse a conversation in which one has none. */
function isPaired(messages: readonly ChatMessage[]): boolean {
  return messages.every((message, index) => {
    const next = messages[index + 1];
    const previous = messages[index - 1];
    if (message.role === 'tool') return previous?.role === 'assistant' && previous.tool_calls.length > 0;
    if (message.role !== 'assistant' || message.tool_calls.length === 0) return true;
    const ids = message.tool_calls.map(({ id }) => id);
    return next?.role === 'tool' && next.results.map((result) => result.call_id).join('\n') === ids.join('\n');
  });
}

export function writeCheckpoint({ patch, ...left }: Checkpoint): Buffer {
  return Buffer.from(JSON.stringify({ version: 1, ...left, patch: patch?.toString('base64') ?? null }));
}

/** Null for what is no checkpoint, or one that no conversation can go on from: then the work begins anew. */
export function parseCheckpoint(text: string): Checkpoint | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const parsed = form.safeParse(value);
  if (!parsed.success) return null;
  const { messages, turns, told, heard, patch } = parsed.data;
  if (messages[0]?.role !== 'user' || !isPaired(messages)) return null;
  return { messages, turns, told, heard, patch: patch === null ? null : Buffer.from(patch, 'base64') };
}
