import type { CallOptions, CallRecord, ModelRequest, UserPart } from '../model.ts';

/** A request in its shortest form. */
export function requestOf(text: string | readonly UserPart[], more: Partial<ModelRequest> = {}): ModelRequest {
  const content: readonly UserPart[] = typeof text === 'string' ? [{ type: 'text', text }] : text;
  return {
    system: 'Be brief.',
    messages: [{ role: 'user', content }],
    tools: [],
    answerSchema: null,
    maxOutputTokens: 500,
    temperature: null,
    cachePrefix: false,
    ...more,
  };
}

export interface Watched {
  readonly options: CallOptions;
  readonly calls: CallRecord[];
  readonly abort: AbortController;
}

/** Call options that keep what was told of each request. */
export function watched(timeoutMs = 20_000): Watched {
  const calls: CallRecord[] = [];
  const abort = new AbortController();
  return { options: { signal: abort.signal, timeoutMs, onCall: (call) => calls.push(call) }, calls, abort };
}
