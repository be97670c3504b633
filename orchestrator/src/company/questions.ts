import type { Envelope, PayloadOf } from '@agentcompany/protocol';
import { withPayload } from './fold-payload.ts';
import type { QuestionRecord, Run } from './records.ts';
import { runEnds, taskEnds } from './states.ts';

/** Questions of agents and what people say to them: on record only, no state depends on them. Undefined for other envelope types. */
export function foldQuestion(run: Run, envelope: Envelope): boolean | undefined {
  switch (envelope.envelope_type) {
    case 'question':
      return withPayload('question', envelope, (payload) => takeQuestion(run, envelope, payload));
    case 'answer':
      return withPayload('answer', envelope, (payload) => takeAnswer(run, payload));
    default:
      return undefined;
  }
}

function takeQuestion(run: Run, envelope: Envelope, payload: PayloadOf<'question'>): boolean {
  const taskId = envelope.context.task_id ?? '';
  if (!run.tasks.has(taskId) || run.questions.has(payload.question_id)) return false;
  run.questions.set(payload.question_id, { asked: payload, taskId, askedAt: envelope.created_at, answer: null });
  return true;
}

/** The first answer stands. That nobody answered in time changes nothing: a person may still do so, for the next attempt. */
function takeAnswer(run: Run, payload: PayloadOf<'answer'>): boolean {
  const question = run.questions.get(payload.question_id);
  if (question === undefined) return false;
  if (payload.answer === null) return true;
  if (question.answer !== null) return false;
  question.answer = { text: payload.answer, by: payload.by };
  return true;
}

/** Questions whose answer somebody may still need, oldest first: nobody has answered and their task has not ended. */
export function openQuestions(run: Run): readonly QuestionRecord[] {
  if (runEnds.has(run.state)) return [];
  return [...run.questions.values()].filter(({ answer, taskId }) => {
    const task = run.tasks.get(taskId);
    return answer === null && task !== undefined && !taskEnds.has(task.state);
  });
}
