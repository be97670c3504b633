import { success } from '@agentcompany/protocol';
import { createModel } from '../../../models/call-model.ts';
import type { Model, ModelEvent, ModelProvider, ModelRequest } from '../../../models/model.ts';

/** A model that answers as a function of what it is asked, through the same calls as a real one. */
export function pretendedModel(answer: (request: ModelRequest, nth: number) => string | ModelEvent): {
  readonly model: Model;
  readonly requests: ModelRequest[];
} {
  const requests: ModelRequest[] = [];
  const provider: ModelProvider = {
    name: 'scripted',
    capabilities: { tools: true, structured: true, cache: false, images: false },
    async *stream(_, request) {
      requests.push(request);
      const said = answer(request, requests.length);
      if (typeof said !== 'string') return yield said;
      yield { type: 'text', text: said };
      yield { type: 'usage', usage: { input: 100, output: 10, cache_read: 0, cache_write: 0 } };
      yield { type: 'end', stop: 'finished' };
    },
    check: async () => success(),
  };
  const candidate = { provider, name: 'judge', costOf: () => 0.01 };
  return { model: createModel(candidate, null, { retryDelaysMs: [] }), requests };
}

/** All that a request says to the model outside its system prompt. */
export function textOf({ messages }: ModelRequest): string {
  return messages
    .flatMap((message) => (message.role === 'user' ? message.content : []))
    .map((part) => (part.type === 'text' ? part.text : ''))
    .join('\n');
}

/** The name of the review in a question. */
export function reviewOf(request: ModelRequest): string {
  return /^This is review ([0-9a-f]{32})\./u.exec(textOf(request))?.[1] ?? '';
}

/** The data of a question, as the model would read it. */
export function dataOf(request: ModelRequest): unknown {
  return JSON.parse(textOf(request).split('\n')[1] ?? '');
}
