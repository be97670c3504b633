import type { Usage } from '../../../models/model.ts';
import type { AnsweredCall, AnswerStop } from '../answer-events.ts';
import type { AnswerForm, AnswerWriter } from '../converse.ts';
import type { Fault } from '../faults.ts';
import { openaiError, openaiFault } from '../openai-error.ts';
import { freshId, keepAliveComment, serverSentEvent, unixSeconds } from '../server-sent-event.ts';

const finishReasons: Readonly<Record<AnswerStop, string>> = {
  finished: 'stop',
  tool_calls: 'tool_calls',
  length: 'length',
  refused: 'content_filter',
};

/** OpenAI counts what came from the cache among the prompt's tokens. */
function usageOf({ input, output, cache_read, cache_write }: Usage): object {
  const prompt = input + cache_read + cache_write;
  return {
    prompt_tokens: prompt,
    completion_tokens: output,
    total_tokens: prompt + output,
    prompt_tokens_details: { cached_tokens: cache_read },
  };
}

function toCall({ id, name, input }: AnsweredCall): object {
  return { id, type: 'function', function: { name, arguments: JSON.stringify(input) } };
}

class ChunkWriter implements AnswerWriter {
  readonly #frame: object;
  readonly #wantsUsage: boolean;
  #calls = 0;

  constructor(model: string, wantsUsage: boolean) {
    this.#frame = { id: freshId('chatcmpl-'), object: 'chat.completion.chunk', created: unixSeconds(), model };
    this.#wantsUsage = wantsUsage;
  }

  begin(): string {
    return this.#chunk({ role: 'assistant', content: '' });
  }

  text(content: string): string {
    return this.#chunk({ content });
  }

  call(call: AnsweredCall): string {
    this.#calls += 1;
    return this.#chunk({ tool_calls: [{ index: this.#calls - 1, ...toCall(call) }] });
  }

  end(stop: AnswerStop, usage: Usage): string {
    const last = this.#chunk({}, finishReasons[stop]);
    const count = serverSentEvent({ ...this.#frame, choices: [], usage: usageOf(usage) });
    return `${last}${this.#wantsUsage ? count : ''}data: [DONE]\n\n`;
  }

  broken(fault: Fault): string {
    return serverSentEvent({ error: openaiError(fault) });
  }

  #chunk(delta: object, finish: string | null = null): string {
    return serverSentEvent({
      ...this.#frame,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
      ...(this.#wantsUsage ? { usage: null } : {}),
    });
  }
}

/** Answers as Chat Completions writes them; `wantsUsage`: the stream tells the tokens at its end. */
export function chatForm(model: string, wantsUsage: boolean): AnswerForm {
  return {
    contentType: 'text/event-stream; charset=utf-8',
    keepAlive: keepAliveComment,
    hasRefusal: true,
    writer: () => new ChunkWriter(model, wantsUsage),
    whole: ({ text, calls, stop, usage }) => ({
      id: freshId('chatcmpl-'),
      object: 'chat.completion',
      created: unixSeconds(),
      model,
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: text === '' && calls.length > 0 ? null : text,
            refusal: null,
            ...(calls.length === 0 ? {} : { tool_calls: calls.map(toCall) }),
          },
          logprobs: null,
          finish_reason: finishReasons[stop],
        },
      ],
      usage: usageOf(usage),
    }),
    fault: openaiFault,
  };
}
