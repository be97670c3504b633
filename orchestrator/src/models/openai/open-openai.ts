import OpenAI from 'openai';
import { exchange, inquire, refusal, toolCall, type Wire } from '../exchange.ts';
import type { ModelEvent, ModelProvider, ModelRequest, Usage } from '../model.ts';
import type { Connection, Transport } from '../transport.ts';
import { toMessages } from './to-messages.ts';

type FinishReason = OpenAI.ChatCompletionChunk.Choice['finish_reason'];

/** OpenAI and every server that speaks its Chat Completions (vLLM, LM Studio, OpenRouter …). */
export function openOpenai(connection: Connection): ModelProvider {
  const wire: Wire = {
    connection,
    authorization: connection.key === null ? {} : { authorization: `Bearer ${connection.key}` },
  };
  return {
    name: 'openai',
    capabilities: { tools: true, structured: true, cache: true, images: true },
    stream: (model, request, signal) =>
      exchange(wire, { model, request, signal }, (transport) => talk(open(transport), model, request)),
    check: (model, signal) =>
      inquire(wire, { model, signal }, async (transport) => {
        // Not every compatible server answers for a single model; all of them list theirs.
        for await (const { id } of open(transport).models.list()) if (id === model) return true;
        return false;
      }),
  };
}

/** Every choice is made here: the SDK would read others from the environment. */
function open({ fetch, options }: Transport): OpenAI {
  return new OpenAI({
    apiKey: 'added by the transport',
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    baseURL: options.connection.baseUrl,
    maxRetries: 0,
    logLevel: 'off',
    fetch,
  });
}

function toParameters(model: string, request: ModelRequest): OpenAI.ChatCompletionCreateParamsStreaming {
  const { tools, answerSchema, maxOutputTokens, temperature } = request;
  return {
    model,
    max_completion_tokens: maxOutputTokens,
    messages: toMessages(request),
    stream: true,
    ...(takesTemperature(model) && temperature !== null ? { temperature } : {}),
    stream_options: { include_usage: true },
    ...(tools.length === 0
      ? {}
      : {
          tools: tools.map(({ name, description, parameters }) => ({
            type: 'function',
            function: { name, description, parameters: { ...parameters } },
          })),
        }),
    ...(answerSchema === null
      ? {}
      : {
          response_format: {
            type: 'json_schema',
            // Strict mode knows no optional fields; the answer is checked here in any case.
            json_schema: { name: answerSchema.name, schema: { ...answerSchema.schema }, strict: false },
          },
        }),
  };
}

/** Models that reason refuse it. */
function takesTemperature(model: string): boolean {
  return !/^(?:o\d|gpt-5)/.test(model);
}

async function* talk(client: OpenAI, model: string, request: ModelRequest): AsyncGenerator<ModelEvent> {
  const calls = new Map<number, { id: string; name: string; text: string }>();
  let finish: FinishReason = null;
  for await (const chunk of await client.chat.completions.create(toParameters(model, request))) {
    if (chunk.usage) yield { type: 'usage', usage: readUsage(chunk.usage) };
    const choice = chunk.choices[0];
    if (choice === undefined) continue;
    finish = choice.finish_reason ?? finish;
    const { content, refusal: declined, tool_calls: parts } = choice.delta;
    if (typeof declined === 'string' && declined !== '') {
      yield refusal(model, declined.slice(0, 500));
      return;
    }
    if (typeof content === 'string' && content !== '') yield { type: 'text', text: content };
    for (const part of parts ?? []) {
      const call = calls.get(part.index) ?? { id: '', name: '', text: '' };
      call.id ||= part.id ?? '';
      call.name += part.function?.name ?? '';
      call.text += part.function?.arguments ?? '';
      calls.set(part.index, call);
    }
  }
  if (finish === null) return;
  for (const call of calls.values()) yield toolCall({ ...call, input: call.text }, request.tools);
  yield ending(finish, calls.size > 0, model);
}

/** OpenAI counts what came from its cache among the prompt's tokens. */
function readUsage(usage: OpenAI.CompletionUsage): Usage {
  const cached = usage.prompt_tokens_details?.cached_tokens ?? 0;
  return {
    input: usage.prompt_tokens - cached,
    output: usage.completion_tokens,
    cache_read: cached,
    cache_write: 0,
  };
}

function ending(finish: FinishReason, hasCalls: boolean, model: string): ModelEvent {
  if (finish === 'content_filter') return refusal(model, finish);
  if (finish === 'length') return { type: 'end', stop: 'length' };
  return { type: 'end', stop: hasCalls ? 'tool_calls' : 'finished' };
}
