import { converse, readBody, refuse } from '../converse.ts';
import type { Dialect, DialectRequest } from '../dialect.ts';
import { requestFault } from '../faults.ts';
import { guessTokens } from '../request-parts.ts';
import { readGenerate } from './read.ts';
import { countRequest, generateRequest } from './schema.ts';
import { geminiFault, geminiForm } from './write.ts';

const form = { fault: geminiFault };

async function generate(request: DialectRequest, isStream: boolean): Promise<void> {
  const body = await readBody(request, form, generateRequest);
  if (body === null) return;
  const { models } = request;
  await converse(request, readGenerate(body, models, isStream), geminiForm(models.modelName));
}

/** A guess: models are asked nothing for it. */
async function countTokens(request: DialectRequest): Promise<void> {
  const body = await readBody(request, form, countRequest);
  if (body === null) return;
  const read = readGenerate(body, request.models, false);
  if (read.ok) request.answer(200, { totalTokens: guessTokens(read.value.request) });
  else refuse(request, form, requestFault('invalid', read.error));
}

function describeModels(request: DialectRequest, id: string | undefined): void {
  const { modelName, maxOutputTokens } = request.models;
  const model = {
    name: `models/${modelName}`,
    displayName: modelName,
    outputTokenLimit: maxOutputTokens,
    supportedGenerationMethods: ['generateContent', 'countTokens'],
  };
  if (id === undefined) request.answer(200, { models: [model] });
  else if (id === modelName) request.answer(200, model);
  else refuse(request, form, requestFault('absent', `models/${id.slice(0, 200)} is not found`));
}

async function act(request: DialectRequest, action: string): Promise<void> {
  if (action === 'countTokens') return countTokens(request);
  if (action === 'generateContent') return generate(request, false);
  if (request.query.get('alt') === 'sse') return generate(request, true);
  return refuse(request, form, requestFault('invalid', 'streams are answered with alt=sse only'));
}

/** The Gemini API. The model that a path names is the worker's wish, not its choice. */
export const gemini: Dialect = {
  name: 'gemini',
  serve: async (request) => {
    const { method, path } = request;
    const action = /^\/v1(?:beta)?\/models\/[^/:]+:(generateContent|streamGenerateContent|countTokens)$/.exec(
      path,
    )?.[1];
    const described = /^\/v1(?:beta)?\/models(?:\/([^/:]+))?$/.exec(path);
    if (method === 'POST' && action !== undefined) await act(request, action);
    else if ((method === 'GET' || method === 'HEAD') && described !== null) describeModels(request, described[1]);
    else return false;
    return true;
  },
};
