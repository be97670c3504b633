import type { AttemptModels, AttemptServices, CheckpointStore } from '../../door/attempt-services.ts';
import type { ModelEvent, ModelRequest } from '../../models/model.ts';
import { success } from '@agentcompany/protocol';

/** One answer: tool calls in their order, or words. */
export type ScriptedAnswer = string | readonly { readonly name: string; readonly input: unknown }[];

export interface ScriptedModels extends AttemptModels {
  readonly requests: ModelRequest[];
}

function eventsOf(answer: ScriptedAnswer, number: number): readonly ModelEvent[] {
  if (typeof answer === 'string')
    return [
      { type: 'text', text: answer },
      { type: 'end', stop: 'finished' },
    ];
  const calls = answer.map(({ name, input }, index): ModelEvent => {
    return { type: 'tool_call', call: { id: `call-${number}-${index}`, name, input, problem: null } };
  });
  return [...calls, { type: 'end', stop: 'tool_calls' }];
}

/** Models of an attempt whose answers `answer` makes, given the request and its number from 0; what it throws is a failure of the test. */
export function scriptedModels(
  answer: (request: ModelRequest, number: number) => ScriptedAnswer | ModelEvent | Promise<ScriptedAnswer>,
): ScriptedModels {
  const requests: ModelRequest[] = [];
  return {
    requests,
    modelName: 'scripted',
    maxOutputTokens: 4000,
    temperature: null,
    async *stream(request) {
      const number = requests.push(request) - 1;
      const given = await answer(request, number);
      if (typeof given === 'object' && 'type' in given) yield given;
      else yield* eventsOf(given, number);
    },
  };
}

/** What the tools answered to the last turn of a request. */
export function lastAnswers({
  messages,
}: ModelRequest): readonly { readonly text: string; readonly isError: boolean }[] {
  const last = messages.at(-1);
  return last?.role === 'tool' ? last.results : [];
}

/** Services with these models and a checkpoint that is kept in memory. */
export function servicesWith(models: AttemptModels, checkpoint: CheckpointStore = memoryCheckpoint()): AttemptServices {
  return { models, checkpoint, tools: null, notes: null, egress: null };
}

export function memoryCheckpoint(): CheckpointStore {
  let kept: Buffer | null = null;
  return {
    read: async () => success(kept),
    write: async (content) => {
      kept = content;
      return success();
    },
  };
}
