import { failure, success, type Result } from '@agentcompany/protocol';
import { completeWithTools, type Tool } from './complete-with-tools.ts';
import { modelErrors as errors } from './errors.ts';
import { findJson } from './find-json.ts';
import type { CallOptions, JsonSchema, Model, ModelMessage } from './model.ts';

export interface ValueQuestion<Value> {
  readonly system: string;
  readonly question: string;
  readonly form: { readonly name: string; readonly schema: JsonSchema };
  readonly maxOutputTokens: number;
  /** 0 to 2; null: the provider's own. */
  readonly temperature: number | null;
  /** What the model may use before it answers; none where its provider knows no tools. */
  readonly tools: readonly Tool[];
  /** Times the model is told what was wrong and asked again. */
  readonly repairs: number;
  /** Takes a value of the answer, or says in words for the model what is wrong with it. */
  readonly accept: (value: unknown) => Result<Value, string>;
}

/** Times a model may use its tools before it has to answer. */
const rounds = 12;
/** Characters of a wrong answer that the model is shown again. */
const shownAnswer = 100_000;
const shownProblem = 2000;

/**
 * Asks a model for a value of a given form. An answer that is none is given back with what is wrong, at most `repairs` times;
 * nothing of a wrong answer is used. Errors: `AC_MODEL_ANSWER_INVALID` with the last problem, those of the call.
 */
export async function askForValue<Value>(
  model: Model,
  asked: ValueQuestion<Value>,
  options: CallOptions,
): Promise<Result<Value>> {
  const { system, question, form, tools, maxOutputTokens, temperature, repairs, accept } = asked;
  let messages: readonly ModelMessage[] = [{ role: 'user', content: [{ type: 'text', text: question }] }];
  for (let count = 0; ; count += 1) {
    // Who had to be asked again may have to be a third time: then the beginning is read from the cache.
    const request = {
      system,
      messages,
      answerSchema: form,
      maxOutputTokens,
      temperature,
      cachePrefix: count > 0,
    };
    const reply =
      count === 0 && tools.length > 0 && model.capabilities.tools
        ? // Not every provider takes a form and tools at once; the form is in the words as well.
          await completeWithTools(model, { ...request, answerSchema: null }, { tools, rounds }, options)
        : await model.complete({ ...request, tools: [] }, options);
    if (!reply.ok) return reply;
    const accepted = judge(reply.value, accept);
    if (accepted.ok) return success(accepted.value);
    const problem = accepted.error.slice(0, shownProblem);
    if (count >= repairs) return failure(errors.AC_MODEL_ANSWER_INVALID({ model: reply.value.model, problem }));
    const correction = `That answer cannot be used: ${problem}\nGive the whole answer again, corrected, as JSON and nothing else.`;
    messages = [
      ...messages.slice(0, 1),
      { role: 'assistant', text: reply.value.text.slice(0, shownAnswer) || '(nothing)', toolCalls: [] },
      { role: 'user', content: [{ type: 'text', text: correction }] },
    ];
  }
}

function judge<Value>(
  { text, stop }: { readonly text: string; readonly stop: string },
  accept: (value: unknown) => Result<Value, string>,
): Result<Value, string> {
  if (text.trim() === '') return failure('it is empty');
  const results = findJson(text).map(accept);
  const good = results.find((result) => result.ok);
  if (good !== undefined) return good;
  if (stop === 'length') return failure('it was cut off because it was too long; give a shorter one');
  return results[0] ?? failure('it holds no JSON object or array that can be read');
}
