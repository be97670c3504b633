import Anthropic from '@anthropic-ai/sdk';
import { exchange, inquire, refusal, toolCall, type Wire } from '../exchange.ts';
import { noUsage, type ModelEvent, type ModelProvider, type ModelRequest, type Usage } from '../model.ts';
import type { Connection, Transport } from '../transport.ts';
import { toMessages } from './to-messages.ts';

/** Claude, over the Messages API. */
export function openAnthropic(connection: Connection): ModelProvider {
  const wire: Wire = { connection, authorization: connection.key === null ? {} : { 'x-api-key': connection.key } };
  return {
    name: 'anthropic',
    capabilities: { tools: true, structured: true, cache: true, images: true },
    stream: (model, request, signal) =>
      exchange(wire, { model, request, signal }, (transport) => talk(open(transport), model, request)),
    check: (model, signal) =>
      inquire(wire, { model, signal }, async (transport) => {
        await open(transport).models.retrieve(model);
        return true;
      }),
  };
}

/** Every choice is made here: the SDK would read others from the environment. */
function open({ fetch, options }: Transport): Anthropic {
  return new Anthropic({
    apiKey: 'added by the transport',
    authToken: null,
    baseURL: options.connection.baseUrl,
    maxRetries: 0,
    logLevel: 'off',
    openTelemetry: false,
    fetch,
  });
}

function toParameters(model: string, request: ModelRequest): Anthropic.MessageCreateParamsStreaming {
  const { system, tools, answerSchema, maxOutputTokens, cachePrefix, temperature } = request;
  return {
    model,
    max_tokens: maxOutputTokens,
    messages: toMessages(request),
    stream: true,
    ...(takesTemperature(model) && temperature !== null ? { temperature: Math.min(temperature, 1) } : {}),
    ...(system === '' ? {} : { system: [{ type: 'text', text: system, ...cacheMark(cachePrefix) }] }),
    ...(tools.length === 0
      ? {}
      : {
          tools: tools.map(({ name, description, parameters }) => ({
            name,
            description,
            input_schema: { ...parameters, type: 'object' as const },
          })),
        }),
    ...(answerSchema === null
      ? {}
      : { output_config: { format: { type: 'json_schema', schema: { ...answerSchema.schema } } } }),
  };
}

/** Claude from Opus 4.7 and the fifth generation on refuses it. */
function takesTemperature(model: string): boolean {
  const generation = /-(\d+)(?:-(\d{1,2}))?(?:-|$)/.exec(model);
  if (generation === null) return true;
  const [, major = '0', minor = '0'] = generation;
  return Number(major) < 4 || (Number(major) === 4 && Number(minor) < 7);
}

/** What comes before the mark is kept and costs a tenth when it is sent again. */
function cacheMark(wanted: boolean): { cache_control?: Anthropic.CacheControlEphemeral } {
  return wanted ? { cache_control: { type: 'ephemeral' } } : {};
}

async function* talk(client: Anthropic, model: string, request: ModelRequest): AsyncGenerator<ModelEvent> {
  const calls = new Map<number, { readonly id: string; readonly name: string; text: string }>();
  let usage: Usage = noUsage;
  let stop: Anthropic.StopReason | null = null;
  for await (const event of await client.messages.create(toParameters(model, request))) {
    switch (event.type) {
      case 'message_start':
        usage = { ...readUsage(event.message.usage), output: event.message.usage.output_tokens };
        yield { type: 'usage', usage };
        break;
      case 'content_block_start':
        if (event.content_block.type === 'tool_use')
          calls.set(event.index, { id: event.content_block.id, name: event.content_block.name, text: '' });
        break;
      case 'content_block_delta': {
        const call = calls.get(event.index);
        if (event.delta.type === 'text_delta') yield { type: 'text', text: event.delta.text };
        else if (event.delta.type === 'input_json_delta' && call !== undefined) call.text += event.delta.partial_json;
        break;
      }
      case 'content_block_stop': {
        const call = calls.get(event.index);
        if (call !== undefined) yield toolCall({ ...call, input: call.text }, request.tools);
        break;
      }
      case 'message_delta':
        stop = event.delta.stop_reason;
        usage = { ...usage, output: event.usage.output_tokens };
        yield { type: 'usage', usage };
        break;
      case 'message_stop':
        yield ending(stop, model);
    }
  }
}

function readUsage(usage: Anthropic.Usage): Usage {
  return {
    input: usage.input_tokens,
    output: usage.output_tokens,
    cache_read: usage.cache_read_input_tokens ?? 0,
    cache_write: usage.cache_creation_input_tokens ?? 0,
  };
}

function ending(stop: Anthropic.StopReason | null, model: string): ModelEvent {
  if (stop === 'refusal') return refusal(model, stop);
  if (stop === 'tool_use') return { type: 'end', stop: 'tool_calls' };
  const isCut = stop === 'max_tokens' || stop === 'model_context_window_exceeded';
  return { type: 'end', stop: isCut ? 'length' : 'finished' };
}
