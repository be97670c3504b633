import type { Usage } from '../../../models/model.ts';
import type { AnsweredCall, AnswerStop } from '../answer-events.ts';
import type { AnswerForm, AnswerWriter, FaultAnswer } from '../converse.ts';
import type { Fault, FaultKind } from '../faults.ts';
import { freshId, serverSentEvent } from '../server-sent-event.ts';

const statuses: Readonly<Record<FaultKind, readonly [status: number, type: string]>> = {
  'invalid': [400, 'invalid_request_error'],
  'too-large': [413, 'request_too_large'],
  'absent': [404, 'not_found_error'],
  'context': [400, 'invalid_request_error'],
  'budget': [402, 'billing_error'],
  'unusable': [403, 'permission_error'],
  'turns': [403, 'permission_error'],
  'declined': [400, 'invalid_request_error'],
  'rate-limit': [429, 'rate_limit_error'],
  'overloaded': [529, 'overloaded_error'],
};

const stopReasons: Readonly<Record<AnswerStop, string>> = {
  finished: 'end_turn',
  tool_calls: 'tool_use',
  length: 'max_tokens',
  refused: 'refusal',
};

function errorOf({ kind, message }: Fault): object {
  return { type: 'error', error: { type: statuses[kind][1], message }, request_id: freshId('req_') };
}

export function messagesFault(fault: Fault): FaultAnswer {
  return { status: statuses[fault.kind][0], body: errorOf(fault) };
}

function usageOf({ input, output, cache_read, cache_write }: Usage): object {
  return {
    input_tokens: input,
    cache_creation_input_tokens: cache_write,
    cache_read_input_tokens: cache_read,
    output_tokens: output,
  };
}

function messageOf(model: string, content: readonly object[], stop: AnswerStop | null, usage: Usage): object {
  return {
    id: freshId('msg_'),
    type: 'message',
    role: 'assistant',
    model,
    content,
    stop_reason: stop === null ? null : stopReasons[stop],
    stop_sequence: null,
    usage: usageOf(usage),
  };
}

const event = (type: string, data: object): string => serverSentEvent({ type, ...data }, type);

/** Events of a message: blocks one after the other, each with a start, its deltas and a stop. */
class MessageWriter implements AnswerWriter {
  readonly #model: string;
  #index = 0;
  #isTextOpen = false;

  constructor(model: string) {
    this.#model = model;
  }

  begin(usage: Usage): string {
    return event('message_start', { message: messageOf(this.#model, [], null, usage) }) + event('ping', {});
  }

  text(text: string): string {
    const start = this.#isTextOpen ? '' : this.#start({ type: 'text', text: '' });
    this.#isTextOpen = true;
    return start + this.#delta({ type: 'text_delta', text });
  }

  call({ id, name, input }: AnsweredCall): string {
    return [
      this.#closeText(),
      this.#start({ type: 'tool_use', id, name, input: {} }),
      this.#delta({ type: 'input_json_delta', partial_json: JSON.stringify(input) }),
      this.#stop(),
    ].join('');
  }

  end(stop: AnswerStop, usage: Usage): string {
    const delta = { stop_reason: stopReasons[stop], stop_sequence: null };
    return this.#closeText() + event('message_delta', { delta, usage: usageOf(usage) }) + event('message_stop', {});
  }

  broken(fault: Fault): string {
    return serverSentEvent(errorOf(fault), 'error');
  }

  #closeText(): string {
    if (!this.#isTextOpen) return '';
    this.#isTextOpen = false;
    return this.#stop();
  }

  #start(block: object): string {
    return event('content_block_start', { index: this.#index, content_block: block });
  }

  #delta(delta: object): string {
    return event('content_block_delta', { index: this.#index, delta });
  }

  #stop(): string {
    this.#index += 1;
    return event('content_block_stop', { index: this.#index - 1 });
  }
}

/** Answers as the Messages API writes them; `model` is the name the agent is told. */
export function messagesForm(model: string): AnswerForm {
  return {
    contentType: 'text/event-stream; charset=utf-8',
    keepAlive: event('ping', {}),
    hasRefusal: true,
    writer: () => new MessageWriter(model),
    whole: ({ text, calls, stop, usage }) => {
      const blocks = calls.map(({ id, name, input }) => ({ type: 'tool_use', id, name, input }));
      return messageOf(model, [...(text === '' ? [] : [{ type: 'text', text }]), ...blocks], stop, usage);
    },
    fault: messagesFault,
  };
}
