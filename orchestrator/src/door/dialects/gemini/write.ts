import type { Usage } from '../../../models/model.ts';
import type { AnsweredCall, AnswerStop } from '../answer-events.ts';
import type { AnswerForm, AnswerWriter, FaultAnswer } from '../converse.ts';
import type { Fault, FaultKind } from '../faults.ts';
import { freshId, serverSentEvent } from '../server-sent-event.ts';

/** A spent budget is 400: Gemini CLI takes 429 and 403 for something that passes. */
const statuses: Readonly<Record<FaultKind, readonly [status: number, name: string]>> = {
  'invalid': [400, 'INVALID_ARGUMENT'],
  'too-large': [413, 'INVALID_ARGUMENT'],
  'absent': [404, 'NOT_FOUND'],
  'context': [400, 'INVALID_ARGUMENT'],
  'budget': [400, 'FAILED_PRECONDITION'],
  'unusable': [400, 'FAILED_PRECONDITION'],
  'turns': [400, 'FAILED_PRECONDITION'],
  'declined': [400, 'FAILED_PRECONDITION'],
  'rate-limit': [429, 'RESOURCE_EXHAUSTED'],
  'overloaded': [503, 'UNAVAILABLE'],
};

const finishReasons: Readonly<Record<AnswerStop, string>> = {
  finished: 'STOP',
  tool_calls: 'STOP',
  length: 'MAX_TOKENS',
  refused: 'SAFETY',
};

export function geminiFault({ kind, message, retryAfterMs }: Fault): FaultAnswer {
  const [code, status] = statuses[kind];
  const wait = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', 'retryDelay': `${(retryAfterMs ?? 0) / 1000}s` };
  const details = retryAfterMs !== null && kind === 'rate-limit' ? { details: [wait] } : {};
  return { status: code, body: { error: { code, message, status, ...details } } };
}

/** The prompt's count holds what came from the cache. */
function usageOf({ input, output, cache_read, cache_write }: Usage): object {
  const prompt = input + cache_read + cache_write;
  return {
    promptTokenCount: prompt,
    candidatesTokenCount: output,
    totalTokenCount: prompt + output,
    ...(cache_read === 0 ? {} : { cachedContentTokenCount: cache_read }),
  };
}

function callPart({ id, name, input, signature }: AnsweredCall): object {
  return {
    functionCall: { id, name, args: input },
    ...(signature === undefined ? {} : { thoughtSignature: signature }),
  };
}

/** One chunk of an answer, or the whole. */
function chunk(frame: object, parts: readonly object[], end: { stop: AnswerStop; usage: Usage } | null): object {
  const candidate = { content: { role: 'model', parts }, index: 0 };
  if (end === null) return { candidates: [candidate], ...frame };
  const finished = { ...candidate, finishReason: finishReasons[end.stop] };
  return { candidates: [finished], usageMetadata: usageOf(end.usage), ...frame };
}

/** Answers as `generateContent` and `streamGenerateContent?alt=sse` write them. */
export function geminiForm(model: string): AnswerForm {
  const frame = { modelVersion: model, responseId: freshId('') };
  const event = (...parts: readonly object[]): string => serverSentEvent(chunk(frame, parts, null));
  const writer: AnswerWriter = {
    begin: () => '',
    text: (text) => event({ text }),
    call: (call) => event(callPart(call)),
    end: (stop, usage) => serverSentEvent(chunk(frame, [{ text: '' }], { stop, usage })),
    broken: (fault) => serverSentEvent(geminiFault(fault).body),
  };
  return {
    contentType: 'text/event-stream',
    keepAlive: null,
    hasRefusal: true,
    writer: () => writer,
    whole: ({ text, calls, stop, usage }) => {
      const texts = text === '' && calls.length > 0 ? [] : [{ text }];
      return chunk(frame, [...texts, ...calls.map(callPart)], { stop, usage });
    },
    fault: geminiFault,
  };
}
