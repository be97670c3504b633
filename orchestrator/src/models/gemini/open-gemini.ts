import { GoogleGenAI, type GenerateContentParameters, type GenerateContentResponse, type Part } from '@google/genai';
import { exchange, inquire, refusal, toolCall, type Wire } from '../exchange.ts';
import type { ModelEvent, ModelProvider, ModelRequest, Usage } from '../model.ts';
import type { Connection, Transport } from '../transport.ts';
import { toContents } from './to-contents.ts';

/** Gemini, over the Gemini API (not Vertex AI). */
export function openGemini(connection: Connection): ModelProvider {
  const wire: Wire = {
    connection,
    authorization: connection.key === null ? {} : { 'x-goog-api-key': connection.key },
  };
  return {
    name: 'gemini',
    capabilities: { tools: true, structured: true, cache: true, images: true },
    stream: (model, request, signal) =>
      exchange(wire, { model, request, signal }, (transport) => talk(open(transport), model, request)),
    check: (model, signal) =>
      inquire(wire, { model, signal }, async (transport) => {
        await open(transport).models.get({ model });
        return true;
      }),
  };
}

/** Every choice is made here: the SDK would read others from the environment. */
function open({ fetch, options }: Transport): GoogleGenAI {
  return new GoogleGenAI({
    apiKey: 'added by the transport',
    vertexai: false,
    apiVersion: 'v1beta',
    httpOptions: { baseUrl: options.connection.baseUrl, fetch },
  });
}

function toParameters(model: string, request: ModelRequest): GenerateContentParameters {
  const { system, tools, answerSchema, maxOutputTokens, temperature } = request;
  return {
    model,
    contents: toContents(request),
    config: {
      maxOutputTokens,
      ...(temperature === null ? {} : { temperature }),
      ...(system === '' ? {} : { systemInstruction: system }),
      ...(tools.length === 0
        ? {}
        : {
            tools: [
              {
                functionDeclarations: tools.map(({ name, description, parameters }) => ({
                  name,
                  description,
                  parametersJsonSchema: parameters,
                })),
              },
            ],
          }),
      ...(answerSchema === null
        ? {}
        : { responseMimeType: 'application/json', responseJsonSchema: answerSchema.schema }),
    },
  };
}

async function* talk(client: GoogleGenAI, model: string, request: ModelRequest): AsyncGenerator<ModelEvent> {
  let calls = 0;
  let finish: string | undefined;
  for await (const chunk of await client.models.generateContentStream(toParameters(model, request))) {
    const usage = readUsage(chunk);
    if (usage !== null) yield { type: 'usage', usage };
    if (chunk.promptFeedback?.blockReason !== undefined) yield refusal(model, chunk.promptFeedback.blockReason);
    const candidate = chunk.candidates?.[0];
    for (const part of candidate?.content?.parts ?? []) {
      if (typeof part.text === 'string' && part.text !== '' && part.thought !== true)
        yield { type: 'text', text: part.text };
      if (part.functionCall === undefined) continue;
      calls += 1;
      yield toolCall(readCall(part, calls), request.tools);
    }
    finish = candidate?.finishReason ?? finish;
  }
  if (finish !== undefined) yield ending(finish, calls > 0, model);
}

/** Gemini may leave the id away: calls of one answer are told apart by their number. */
function readCall({ functionCall, thoughtSignature }: Part, number: number): Parameters<typeof toolCall>[0] {
  return {
    id: functionCall?.id ?? `call-${number}`,
    name: functionCall?.name ?? '',
    input: functionCall?.args ?? {},
    signature: thoughtSignature,
  };
}

/** The prompt's count holds what came from the cache; thoughts are paid as output. */
function readUsage({ usageMetadata }: GenerateContentResponse): Usage | null {
  if (usageMetadata === undefined) return null;
  const cached = usageMetadata.cachedContentTokenCount ?? 0;
  return {
    input: (usageMetadata.promptTokenCount ?? 0) + (usageMetadata.toolUsePromptTokenCount ?? 0) - cached,
    output: (usageMetadata.candidatesTokenCount ?? 0) + (usageMetadata.thoughtsTokenCount ?? 0),
    cache_read: cached,
    cache_write: 0,
  };
}

function ending(finish: string, hasCalls: boolean, model: string): ModelEvent {
  if (finish === 'MAX_TOKENS') return { type: 'end', stop: 'length' };
  if (finish === 'STOP') return { type: 'end', stop: hasCalls ? 'tool_calls' : 'finished' };
  if (finish === 'MALFORMED_FUNCTION_CALL') throw new Error(finish);
  return refusal(model, finish);
}
