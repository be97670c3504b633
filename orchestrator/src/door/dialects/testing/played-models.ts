import type { ModelEvent, ModelRequest, Usage } from '../../../models/model.ts';
import type { AttemptModels } from '../../attempt-services.ts';

export interface PlayedModels extends AttemptModels {
  readonly asked: readonly ModelRequest[];
  /** Answers of the next requests, in their order; afterwards every one is answered with `Done`. */
  next(...answers: readonly (readonly ModelEvent[])[]): void;
}

export const playedUsage: Usage = { input: 12, output: 5, cache_read: 100, cache_write: 7 };

/** An answer of a text and calls, as a provider's adapter tells it. */
export function played(
  texts: readonly string[],
  calls: readonly {
    readonly id: string;
    readonly name: string;
    readonly input: unknown;
    readonly signature?: string;
  }[] = [],
): readonly ModelEvent[] {
  return [
    ...texts.map((text): ModelEvent => ({ type: 'text', text })),
    ...calls.map((call): ModelEvent => ({ type: 'tool_call', call: { ...call, problem: null } })),
    { type: 'usage', usage: playedUsage },
    { type: 'end', stop: calls.length > 0 ? 'tool_calls' : 'finished' },
  ];
}

/** Models of an attempt that answer what they are told to, and remember what they were asked. */
export function openPlayedModels(given: Partial<AttemptModels> = {}): PlayedModels {
  const asked: ModelRequest[] = [];
  const queue: (readonly ModelEvent[])[] = [];
  return {
    modelName: 'house-model',
    maxOutputTokens: 4000,
    temperature: 0.7,
    stream: (request) => {
      asked.push(request);
      return playEvents(queue.shift() ?? played(['Done']));
    },
    ...given,
    asked,
    next: (...answers) => void queue.push(...answers),
  };
}

async function* playEvents(events: readonly ModelEvent[]): AsyncGenerator<ModelEvent> {
  yield* events;
}
