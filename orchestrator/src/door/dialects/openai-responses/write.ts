import { noUsage, type Usage } from '../../../models/model.ts';
import type { AnsweredCall, AnswerStop } from '../answer-events.ts';
import type { AnswerForm, AnswerWriter } from '../converse.ts';
import type { Fault } from '../faults.ts';
import { openaiError, openaiFault } from '../openai-error.ts';
import { freshId, keepAliveComment, serverSentEvent, unixSeconds } from '../server-sent-event.ts';
import type { AgentTools } from './agent-tools.ts';
import { toCallItem, type CallItem } from './call-item.ts';

/** OpenAI counts what came from the cache among the input. */
function usageOf({ input, output, cache_read, cache_write }: Usage): object {
  const read = input + cache_read + cache_write;
  return {
    input_tokens: read,
    input_tokens_details: { cached_tokens: cache_read },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: read + output,
  };
}

type Status = 'in_progress' | 'completed' | 'incomplete' | 'failed';

const statusOf: Readonly<Record<AnswerStop, Status>> = {
  finished: 'completed',
  tool_calls: 'completed',
  length: 'incomplete',
  refused: 'incomplete',
};

/** Events of a response, each with its number; items one after the other. */
class ResponseWriter implements AnswerWriter {
  readonly #model: string;
  readonly #tools: AgentTools;
  readonly #id = freshId('resp_');
  readonly #created = unixSeconds();
  readonly #output: object[] = [];
  /** The message that is being written. */
  #message: { readonly id: string; text: string } | null = null;
  #sequence = 0;

  constructor(model: string, tools: AgentTools) {
    this.#model = model;
    this.#tools = tools;
  }

  begin(): string {
    const response = this.#response('in_progress', noUsage);
    return this.#event('response.created', { response }) + this.#event('response.in_progress', { response });
  }

  text(delta: string): string {
    let start = '';
    if (this.#message === null) {
      this.#message = { id: freshId('msg_'), text: '' };
      const item = { id: this.#message.id, type: 'message', status: 'in_progress', role: 'assistant', content: [] };
      const part = { type: 'output_text', text: '', annotations: [] };
      start =
        this.#ofItem('response.output_item.added', { item }) + this.#ofPart('response.content_part.added', { part });
    }
    this.#message.text += delta;
    return start + this.#ofPart('response.output_text.delta', { delta, logprobs: [] });
  }

  call(call: AnsweredCall): string {
    const item = toCallItem(call, this.#tools.find(call.name));
    const before = this.#closeMessage();
    const started = { ...item.started, status: 'in_progress' };
    const added = this.#ofItem('response.output_item.added', { item: started });
    const written = item.argument === null ? '' : this.#argument(item.id, item.argument);
    return before + added + written + this.#finish({ ...item.whole, status: 'completed' });
  }

  end(stop: AnswerStop, usage: Usage): string {
    const before = this.#closeMessage();
    const response = this.finished(stop, usage);
    return before + this.#event(`response.${statusOf[stop]}`, { response });
  }

  broken(fault: Fault): string {
    const { code, message } = openaiError(fault);
    const error = { code: code ?? 'server_error', message };
    return this.#event('response.failed', { response: { ...this.#response('failed', noUsage), error } });
  }

  finished(stop: AnswerStop, usage: Usage): object {
    const details = stop === 'length' ? { incomplete_details: { reason: 'max_output_tokens' } } : {};
    return { ...this.#response(statusOf[stop], usage), ...details };
  }

  #response(status: Status, usage: Usage): object {
    return {
      id: this.#id,
      object: 'response',
      created_at: this.#created,
      status,
      error: null,
      incomplete_details: null,
      instructions: null,
      metadata: {},
      model: this.#model,
      output: [...this.#output],
      parallel_tool_calls: true,
      temperature: null,
      tool_choice: 'auto',
      tools: [],
      top_p: null,
      store: false,
      usage: status === 'in_progress' || status === 'failed' ? null : usageOf(usage),
    };
  }

  #argument(itemId: string, { field, kind, text }: NonNullable<CallItem['argument']>): string {
    const delta = this.#ofItem(`response.${kind}.delta`, { item_id: itemId, delta: text });
    return delta + this.#ofItem(`response.${kind}.done`, { item_id: itemId, [field]: text });
  }

  #closeMessage(): string {
    if (this.#message === null) return '';
    const { id, text } = this.#message;
    const part = { type: 'output_text', text, annotations: [] };
    const done = this.#ofPart('response.output_text.done', { text, logprobs: [] });
    const closed = done + this.#ofPart('response.content_part.done', { part });
    this.#message = null;
    return closed + this.#finish({ id, type: 'message', status: 'completed', role: 'assistant', content: [part] });
  }

  #finish(item: object): string {
    const done = this.#ofItem('response.output_item.done', { item });
    this.#output.push(item);
    return done;
  }

  #ofItem(type: string, data: object): string {
    return this.#event(type, { output_index: this.#output.length, ...data });
  }

  #ofPart(type: string, data: object): string {
    return this.#ofItem(type, { item_id: this.#message?.id, content_index: 0, ...data });
  }

  #event(type: string, data: object): string {
    this.#sequence += 1;
    return serverSentEvent({ type, sequence_number: this.#sequence - 1, ...data }, type);
  }
}

/** Answers as the Responses API writes them. */
export function responsesForm(model: string, tools: AgentTools): AnswerForm {
  return {
    contentType: 'text/event-stream; charset=utf-8',
    keepAlive: keepAliveComment,
    hasRefusal: false,
    writer: () => new ResponseWriter(model, tools),
    whole: ({ text, calls, stop, usage }) => {
      const writer = new ResponseWriter(model, tools);
      if (text !== '') writer.text(text);
      for (const call of calls) writer.call(call);
      writer.end(stop, usage);
      return writer.finished(stop, usage);
    },
    fault: openaiFault,
  };
}
