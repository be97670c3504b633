import type { Usage } from '../../../models/model.ts';
import type { AnsweredCall, AnswerStop } from '../answer-events.ts';
import type { AnswerForm, AnswerWriter, FaultAnswer } from '../converse.ts';
import type { Fault, FaultKind } from '../faults.ts';

const statuses: Readonly<Record<FaultKind, number>> = {
  'invalid': 400,
  'too-large': 413,
  'absent': 404,
  'context': 400,
  'budget': 402,
  'unusable': 403,
  'turns': 403,
  'declined': 400,
  'rate-limit': 429,
  'overloaded': 503,
};

export function ollamaFault({ kind, message }: Fault): FaultAnswer {
  return { status: statuses[kind], body: { error: message } };
}

/** Ollama tells nanoseconds; how long a provider took inside is not known here. */
const durations = { total_duration: 0, load_duration: 0, prompt_eval_duration: 0, eval_duration: 0 };

function ending(stop: AnswerStop, { input, output, cache_read, cache_write }: Usage): object {
  return {
    done: true,
    done_reason: stop === 'length' ? 'length' : 'stop',
    ...durations,
    prompt_eval_count: input + cache_read + cache_write,
    eval_count: output,
  };
}

function toCall({ id, name, input }: AnsweredCall): object {
  return { id, function: { name, arguments: input } };
}

/** Answers as ollama's chat writes them. */
export function ollamaForm(model: string): AnswerForm {
  const line = (value: object): string => `${JSON.stringify(value)}\n`;
  const answer = (message: object, rest: object): object => ({
    model,
    created_at: new Date().toISOString(),
    message: { role: 'assistant', content: '', ...message },
    ...rest,
  });
  const broken = (fault: Fault): string => line({ error: fault.message });
  const writer: AnswerWriter = {
    begin: () => '',
    text: (content) => line(answer({ content }, { done: false })),
    call: (call) => line(answer({ tool_calls: [toCall(call)] }, { done: false })),
    end: (stop, usage) => line(answer({}, ending(stop, usage))),
    broken,
  };
  return {
    contentType: 'application/x-ndjson',
    keepAlive: null,
    hasRefusal: false,
    writer: () => writer,
    whole: ({ text, calls, stop, usage }) => {
      const toolCalls = calls.length === 0 ? {} : { tool_calls: calls.map(toCall) };
      return answer({ content: text, ...toolCalls }, ending(stop, usage));
    },
    fault: ollamaFault,
  };
}
