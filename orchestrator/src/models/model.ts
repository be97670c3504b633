import type { AppError, Result } from '@agentcompany/protocol';
import type { Purse } from './purse.ts';

/** Where a model may live; each has an adapter in a folder of this name. */
export const providerNames = ['ollama', 'anthropic', 'openai', 'gemini', 'scripted'] as const;
export type ProviderName = (typeof providerNames)[number];

export type JsonSchema = Readonly<Record<string, unknown>>;

/** A function the model may ask for. `parameters` is the JSON schema of its one argument, an object. */
export interface ToolDefinition {
  readonly name: string;
  readonly description: string;
  readonly parameters: JsonSchema;
}

/** What the model asks to have done. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
  /** `AC_MODEL_TOOL_UNKNOWN`, `AC_MODEL_TOOL_ARGUMENTS`: to be given back to the model instead of a result. */
  readonly problem: AppError | null;
  /** What the provider wants to see again unchanged when the call is part of the conversation. */
  readonly signature?: string;
}

export type UserPart =
  | { readonly type: 'text'; readonly text: string }
  | {
      readonly type: 'image';
      readonly mediaType: 'image/png' | 'image/jpeg' | 'image/webp' | 'image/gif';
      /** Base64. */
      readonly data: string;
    };

export interface ToolResult {
  readonly callId: string;
  readonly name: string;
  readonly text: string;
  readonly isError: boolean;
}

export type ModelMessage =
  | { readonly role: 'user'; readonly content: readonly UserPart[] }
  | { readonly role: 'assistant'; readonly text: string; readonly toolCalls: readonly ToolCall[] }
  | { readonly role: 'tool'; readonly results: readonly ToolResult[] };

export interface ModelRequest {
  readonly system: string;
  readonly messages: readonly ModelMessage[];
  readonly tools: readonly ToolDefinition[];
  /** The text of the answer shall be JSON of this form; a provider that cannot enforce it ignores it, so the answer is checked anyway. */
  readonly answerSchema: { readonly name: string; readonly schema: JsonSchema } | null;
  /** 1 to `maximumOutputTokens`. */
  readonly maxOutputTokens: number;
  /** 0 to 2; null, and for models that take none: the provider's own. */
  readonly temperature: number | null;
  /** The same beginning will be sent again soon: worth keeping in the provider's cache where that has to be asked for. */
  readonly cachePrefix: boolean;
}

/** Tokens of one or more calls. The parts do not overlap: what was read in all is `input + cache_read + cache_write`. */
export interface Usage {
  readonly input: number;
  readonly output: number;
  readonly cache_read: number;
  readonly cache_write: number;
}

export type StopReason = 'finished' | 'tool_calls' | 'length';

/** The last event is `end` or `failed`, and nothing else ends a stream. A later `usage` replaces an earlier one. */
export type ModelEvent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_call'; readonly call: ToolCall }
  | { readonly type: 'usage'; readonly usage: Usage }
  | { readonly type: 'end'; readonly stop: StopReason }
  | { readonly type: 'failed'; readonly error: AppError; readonly retryAfterMs: number | null };

/** What a provider does with: tool definitions, an answer schema, `cachePrefix`, images. What is false is refused or ignored as said there. */
export interface Capabilities {
  readonly tools: boolean;
  readonly structured: boolean;
  readonly cache: boolean;
  readonly images: boolean;
}

/** An adapter: one call is one request to the provider, neither bounded in time nor repeated here. */
export interface ModelProvider {
  readonly name: ProviderName;
  readonly capabilities: Capabilities;
  stream(model: string, request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent>;
  /** Asks whether the provider has the model and takes the key, at no cost. */
  check(model: string, signal: AbortSignal): Promise<Result<undefined>>;
}

/** One request as it went over the wire, whether it succeeded or not. */
export interface CallRecord {
  readonly provider: ProviderName;
  readonly model: string;
  readonly usage: Usage;
  /** US dollars; null: unpriced. */
  readonly cost_usd: number | null;
  /** The provider did not say how much it was: `usage` is the most that it can have been. */
  readonly estimated?: true;
}

export interface CallOptions {
  readonly signal: AbortSignal;
  /** Milliseconds one request may take in all. */
  readonly timeoutMs: number;
  /** Told of every request that may have cost something: also of those that failed midway or were repeated. */
  readonly onCall?: (call: CallRecord) => void;
  /** What each request is paid from; without a limit where absent. */
  readonly purse?: Purse;
}

export interface ModelReply extends CallRecord {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly stop: StopReason;
}

/** A model as its users see it: bounded in time and output, repeated where that helps, replaced by the fallback model where that does not. */
export interface Model {
  readonly provider: ProviderName;
  readonly name: string;
  readonly capabilities: Capabilities;
  /** Once text or a tool call was handed out, a failure is not repeated: it is the last event. */
  stream(request: ModelRequest, options: CallOptions): AsyncIterable<ModelEvent>;
  /** Errors: those of docs/models.md. */
  complete(request: ModelRequest, options: CallOptions): Promise<Result<ModelReply>>;
  check(options: CallOptions): Promise<Result<undefined>>;
}

/** More than any provider gives in one answer; what asks for more is a mistake and is not sent. */
export const maximumOutputTokens = 131_072;

export const noUsage: Usage = { input: 0, output: 0, cache_read: 0, cache_write: 0 };
