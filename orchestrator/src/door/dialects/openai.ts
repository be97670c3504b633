import { converse, readBody, refuse } from './converse.ts';
import type { Dialect, DialectRequest } from './dialect.ts';
import { requestFault } from './faults.ts';
import { readChat } from './openai-chat/read.ts';
import { chatCompletionRequest } from './openai-chat/schema.ts';
import { chatForm } from './openai-chat/write.ts';
import { openaiFault } from './openai-error.ts';
import { success } from '@agentcompany/protocol';
import { readResponses } from './openai-responses/read.ts';
import { responsesRequest } from './openai-responses/schema.ts';
import { responsesForm } from './openai-responses/write.ts';

const form = { fault: openaiFault };

async function converseInChat(request: DialectRequest): Promise<void> {
  const body = await readBody(request, form, chatCompletionRequest);
  if (body === null) return;
  const { models } = request;
  const wantsUsage = body.stream_options?.include_usage === true;
  await converse(request, readChat(body, models), chatForm(models.modelName, wantsUsage));
}

async function converseInResponses(request: DialectRequest): Promise<void> {
  const body = await readBody(request, form, responsesRequest);
  if (body === null) return;
  const { models } = request;
  const read = readResponses(body, models);
  if (!read.ok) return refuse(request, form, requestFault('invalid', read.error));
  const { asked, tools } = read.value;
  await converse(request, success(asked), responsesForm(models.modelName, tools));
}

function describeModels(request: DialectRequest, id: string | null): void {
  const { modelName } = request.models;
  const model = { id: modelName, object: 'model', created: 0, owned_by: 'agentcompany' };
  if (id === null) request.answer(200, { object: 'list', data: [model] });
  else if (id === modelName) request.answer(200, model);
  else refuse(request, form, requestFault('absent', `The model ${id.slice(0, 200)} does not exist`));
}

/** OpenAI's Responses and Chat Completions. */
export const openai: Dialect = {
  name: 'openai',
  serve: async (request) => {
    const { path } = request;
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    if (method === 'POST' && path === '/v1/responses') await converseInResponses(request);
    else if (method === 'POST' && path === '/v1/chat/completions') await converseInChat(request);
    else if (method === 'GET' && path === '/v1/models') describeModels(request, null);
    else if (method === 'GET' && path.startsWith('/v1/models/'))
      describeModels(request, path.slice('/v1/models/'.length));
    else return false;
    return true;
  },
};
