import { converse, readBody, refuse } from '../converse.ts';
import type { Dialect, DialectRequest } from '../dialect.ts';
import { requestFault } from '../faults.ts';
import { readOllamaChat } from './read.ts';
import { chatRequest, showRequest } from './schema.ts';
import { ollamaFault, ollamaForm } from './write.ts';

const form = { fault: ollamaFault };
const details = { format: '', family: '', families: null, parameter_size: '', quantization_level: '' };

async function chat(request: DialectRequest): Promise<void> {
  const body = await readBody(request, form, chatRequest);
  if (body === null) return;
  const { models } = request;
  await converse(request, readOllamaChat(body, models), ollamaForm(models.modelName));
}

async function show(request: DialectRequest): Promise<void> {
  const body = await readBody(request, form, showRequest);
  if (body === null) return;
  const wanted = body.model ?? body.name ?? '';
  const capabilities = ['completion', 'tools', 'vision'];
  if (isKnown(request, wanted)) request.answer(200, { details, model_info: {}, capabilities });
  else refuse(request, form, requestFault('absent', `model '${wanted.slice(0, 200)}' not found`));
}

/** Clients of ollama add the tag that it adds itself. */
function isKnown({ models }: DialectRequest, wanted: string): boolean {
  return wanted === models.modelName || wanted === `${models.modelName}:latest`;
}

function list(request: DialectRequest): void {
  const name = request.models.modelName;
  request.answer(200, {
    models: [{ name, model: name, modified_at: '2026-01-01T00:00:00Z', size: 0, digest: '', details }],
  });
}

/** Ollama's chat. */
export const ollama: Dialect = {
  name: 'ollama',
  serve: async (request) => {
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const route = `${method} ${request.path}`;
    if (route === 'POST /api/chat') await chat(request);
    else if (route === 'POST /api/show') await show(request);
    else if (route === 'GET /api/tags') list(request);
    else if (route === 'GET /api/version') request.answer(200, { version: '0.13.0' });
    else if (route === 'GET /') request.answer(200, {});
    else return false;
    return true;
  },
};
