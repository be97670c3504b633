// The other entry reads an image from the disk when its text happens to be a path.
import { Ollama, type ChatRequest, type Message } from 'ollama/browser';
import { argumentsOf, exchange, inquire, toolCall, type Wire } from '../exchange.ts';
import type { ModelEvent, ModelMessage, ModelProvider, ModelRequest } from '../model.ts';
import type { Connection, Transport } from '../transport.ts';

/** Models of an ollama server, by default the one of this machine. */
export function openOllama(connection: Connection): ModelProvider {
  const wire: Wire = {
    connection,
    authorization: connection.key === null ? {} : { authorization: `Bearer ${connection.key}` },
    // The SDK passes over lines it cannot read, and prints them.
    jsonLines: true,
  };
  return {
    name: 'ollama',
    capabilities: { tools: true, structured: true, cache: false, images: true },
    stream: (model, request, signal) =>
      exchange(wire, { model, request, signal }, (transport) => talk(open(transport), model, request)),
    check: (model, signal) =>
      inquire(wire, { model, signal }, async (transport) => {
        await open(transport).show({ model });
        return true;
      }),
  };
}

function open({ fetch, options }: Transport): Ollama {
  return new Ollama({ host: options.connection.baseUrl, fetch });
}

function toParameters(model: string, request: ModelRequest): ChatRequest & { stream: true } {
  const { system, messages, tools, answerSchema, maxOutputTokens, temperature } = request;
  return {
    model,
    stream: true,
    messages: [...(system === '' ? [] : [{ role: 'system', content: system }]), ...messages.flatMap(toMessages)],
    options: { num_predict: maxOutputTokens, ...(temperature === null ? {} : { temperature }) },
    ...(tools.length === 0
      ? {}
      : {
          tools: tools.map(({ name, description, parameters }) => ({
            type: 'function',
            function: { name, description, parameters },
          })),
        }),
    ...(answerSchema === null ? {} : { format: answerSchema.schema }),
  };
}

function toMessages(message: ModelMessage): Message[] {
  if (message.role === 'tool')
    return message.results.map(({ name, text }) => ({ role: 'tool', tool_name: name, content: text }));
  if (message.role === 'assistant') {
    const calls = message.toolCalls.map(({ name, input }) => ({
      function: { name, arguments: argumentsOf(input) },
    }));
    return [{ role: 'assistant', content: message.text, ...(calls.length === 0 ? {} : { tool_calls: calls }) }];
  }
  const texts = message.content.flatMap((part) => (part.type === 'text' ? [part.text] : []));
  const images = message.content.flatMap((part) => (part.type === 'image' ? [part.data] : []));
  return [{ role: 'user', content: texts.join('\n'), ...(images.length === 0 ? {} : { images }) }];
}

async function* talk(client: Ollama, model: string, request: ModelRequest): AsyncGenerator<ModelEvent> {
  let calls = 0;
  for await (const chunk of await client.chat(toParameters(model, request))) {
    if (chunk.message.content !== '') yield { type: 'text', text: chunk.message.content };
    for (const { function: called } of chunk.message.tool_calls ?? []) {
      calls += 1;
      yield toolCall({ id: `call-${calls}`, name: called.name, input: called.arguments }, request.tools);
    }
    if (!chunk.done) continue;
    const usage = { input: chunk.prompt_eval_count ?? 0, output: chunk.eval_count ?? 0, cache_read: 0, cache_write: 0 };
    yield { type: 'usage', usage };
    const stop = chunk.done_reason === 'length' ? 'length' : calls > 0 ? 'tool_calls' : 'finished';
    yield { type: 'end', stop };
  }
}
