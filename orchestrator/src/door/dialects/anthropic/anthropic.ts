import { converse, readBody, refuse } from '../converse.ts';
import type { Dialect, DialectRequest } from '../dialect.ts';
import { requestFault } from '../faults.ts';
import { guessTokens } from '../request-parts.ts';
import { readMessages } from './read.ts';
import { countRequest, messagesRequest } from './schema.ts';
import { messagesFault, messagesForm } from './write.ts';

const form = { fault: messagesFault };

async function converseInMessages(request: DialectRequest): Promise<void> {
  const answerForm = messagesForm(request.models.modelName);
  const body = await readBody(request, answerForm, messagesRequest);
  if (body !== null) await converse(request, readMessages(body, request.models), answerForm);
}

/** What `POST /v1/messages/count_tokens` answers is a guess: models are asked nothing for it. */
async function countTokens(request: DialectRequest): Promise<void> {
  const body = await readBody(request, form, countRequest);
  if (body === null) return;
  const read = readMessages(body, request.models);
  if (read.ok) request.answer(200, { input_tokens: guessTokens(read.value.request) });
  else refuse(request, form, requestFault('invalid', read.error));
}

function describeModels(request: DialectRequest, id: string | null): void {
  const { modelName } = request.models;
  const model = { type: 'model', id: modelName, display_name: modelName, created_at: '2026-01-01T00:00:00Z' };
  if (id === null) request.answer(200, { data: [model], has_more: false, first_id: modelName, last_id: modelName });
  else if (id === modelName) request.answer(200, model);
  else refuse(request, form, requestFault('absent', `model: ${id.slice(0, 200)}`));
}

/** Anthropic's Messages API. */
export const anthropic: Dialect = {
  name: 'anthropic',
  serve: async (request) => {
    const { path } = request;
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    if (method === 'POST' && path === '/v1/messages') await converseInMessages(request);
    else if (method === 'POST' && path === '/v1/messages/count_tokens') await countTokens(request);
    else if (method === 'GET' && path === '/v1/models') describeModels(request, null);
    else if (method === 'GET' && path.startsWith('/v1/models/'))
      describeModels(request, path.slice('/v1/models/'.length));
    // Agents ask whether anybody is there before they begin.
    else if (method === 'GET' && (path === '/' || path === '/api/hello')) request.answer(200, {});
    else return false;
    return true;
  },
};
