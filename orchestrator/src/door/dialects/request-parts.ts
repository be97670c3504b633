import { failure, success, type Result } from '@agentcompany/protocol';
import { z } from 'zod';
import { argumentsOf } from '../../models/exchange.ts';
import type { ModelRequest, ToolDefinition, UserPart } from '../../models/model.ts';
import type { AttemptModels } from '../attempt-services.ts';
import type { Conversation } from './conversation.ts';
import type { ToolNames } from './tool-names.ts';

/** A request in our form, and what writing its answer needs. */
export interface Asked {
  readonly request: ModelRequest;
  readonly isStream: boolean;
  readonly names: ToolNames;
}

/** Why a request was refused, for its author. */
export type Read = Result<Asked, string>;

export const toolName = z.string().min(1).max(256);
export const callId = z.string().min(1).max(256);
export const jsonObject = z.record(z.string(), z.unknown());
export const tokenLimit = z.int().positive().nullish();

const mediaTypes = ['image/png', 'image/jpeg', 'image/webp', 'image/gif'] as const;
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** An image as a part of a message; null for a kind that not every provider takes. */
export function imagePart(mediaType: string, data: string): UserPart | null {
  const known = mediaTypes.find((one) => one === mediaType);
  return known === undefined || !base64.test(data) ? null : { type: 'image', mediaType: known, data };
}

/** `data:image/png;base64,…`; null for anything else: nothing is fetched for a worker. */
export function imageOfUrl(url: string): UserPart | null {
  const [start = '', mediaType = ''] = /^data:([a-z/+.-]{1,64});base64,/.exec(url) ?? [];
  return start === '' ? null : imagePart(mediaType, url.slice(start.length));
}

/** What a tool answered, in pieces: one text, and the images, which follow as a message of the user. */
export function splitResult(parts: readonly UserPart[]): {
  readonly text: string;
  readonly images: readonly UserPart[];
} {
  const texts = parts.map((part) => (part.type === 'text' ? part.text : '[the image follows]'));
  return { text: texts.join('\n'), images: parts.filter(({ type }) => type === 'image') };
}

export interface GivenTool {
  readonly name: string;
  readonly description: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

interface Pieces {
  readonly conversation: Conversation;
  readonly names: ToolNames;
  readonly tools: readonly GivenTool[];
  /** Tools that the provider itself would carry out: they are not passed on. */
  readonly providerTools: number;
  readonly answerSchema: ModelRequest['answerSchema'];
  readonly maxTokens: number | null | undefined;
  readonly isStream: boolean;
  readonly cachePrefix: boolean;
}

/**
 * Puts a request together. Which model answers and how warm is not the worker's to say, nor more tokens than the attempt allows
 * (S42). A request that offers only tools of the provider's is refused: without them its answer would be made up.
 */
export function assemble(pieces: Pieces, models: AttemptModels): Read {
  const { names, conversation } = pieces;
  const finished = conversation.finish();
  if (!finished.ok) return finished;
  if (pieces.tools.length === 0 && pieces.providerTools > 0)
    return failure('tools that the provider carries out (web search and the like) are not available');
  const tools: ToolDefinition[] = pieces.tools.map(({ name, description, parameters }) => ({
    name: names.toNeutral(name),
    description,
    parameters: { type: 'object', ...parameters },
  }));
  if (new Set(tools.map(({ name }) => name)).size < tools.length) return failure('two tools have the same name');
  const request: ModelRequest = {
    ...finished.value,
    tools,
    answerSchema: pieces.answerSchema,
    maxOutputTokens: Math.min(pieces.maxTokens ?? models.maxOutputTokens, models.maxOutputTokens),
    temperature: models.temperature,
    cachePrefix: pieces.cachePrefix,
  };
  return success({ request, isStream: pieces.isStream, names });
}

/** Tokens an image counts for where they are guessed. */
const imageTokens = 1600;

/** A guess at the tokens of a request, four bytes each: providers count for themselves, and each differently. */
export function guessTokens({ system, messages, tools }: ModelRequest): number {
  let images = 0;
  const text = JSON.stringify({ system, messages, tools }, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || !('mediaType' in value)) return value;
    images += 1;
    return undefined;
  });
  return Math.ceil(Buffer.byteLength(text) / 4) + images * imageTokens;
}

/** Arguments of a call that a format writes as text: an object, empty where they are none. */
export function parseArguments(text: string): Readonly<Record<string, unknown>> {
  try {
    return argumentsOf(JSON.parse(text));
  } catch {
    return {};
  }
}
