import {
  derivedId,
  failure,
  parsePayload,
  success,
  type Envelope,
  type PayloadOf,
  type Result,
} from '@agentcompany/protocol';
import type { RunView } from '../company/view.ts';
import type { Company, OpenQuestion } from '../company-facade.ts';
import type { FacadeContext } from './context.ts';
import { facadeErrors } from './errors.ts';
import { findRun } from './find-run.ts';

const sender = 'president';

/** What agents ask people, and what people say. An answer goes on record at once, whether an engine is at work or not. */
export function openQuestionDesk(context: FacadeContext): Pick<Company, 'listQuestions' | 'answerQuestion'> {
  return {
    listQuestions: (id) => listQuestions(context, id),
    answerQuestion: (id, text) => answerQuestion(context, id, text),
  };
}

async function listQuestions(context: FacadeContext, id?: string): Promise<Result<readonly OpenQuestion[]>> {
  if (id !== undefined) {
    const run = await findRun(context, id);
    return run.ok ? success(questionsOf(run.value)) : run;
  }
  const { model } = context;
  const refreshed = await model.refresh();
  if (!refreshed.ok) return refreshed;
  const views = model.open().map((runId) => model.view(runId));
  const all = views.flatMap((view) => (view === null ? [] : questionsOf(view)));
  return success(all.toSorted((one, other) => one.asked_at.localeCompare(other.asked_at)));
}

function questionsOf(run: RunView): readonly OpenQuestion[] {
  return run.questions.map((question) => ({ run_id: run.run_id, ...question }));
}

async function answerQuestion(context: FacadeContext, id: string, text: string): Promise<Result<OpenQuestion>> {
  const questions = await listQuestions(context);
  if (!questions.ok) return questions;
  const matching = questions.value.filter((question) => question.question_id.startsWith(id));
  const [question, another] = matching;
  if (question === undefined || id === '') return failure(facadeErrors.AC_QUESTION_UNKNOWN({ question: id }));
  if (another !== undefined) {
    const candidates = matching.map((candidate) => candidate.question_id).join(', ');
    return failure(facadeErrors.AC_QUESTION_AMBIGUOUS({ question: id, candidates }));
  }
  const payload = { question_id: question.question_id, answer: text.toWellFormed().trim(), by: sender };
  const checked = parsePayload('answer', payload);
  if (!checked.ok) return failure(facadeErrors.AC_ANSWER_INVALID({ problem: checked.error.message }));
  const sent = await putAnswer(context, question, checked.value);
  return sent.ok ? success(question) : sent;
}

/** One answer a question: of two who give one at once, the second is told. */
async function putAnswer(
  { bus }: FacadeContext,
  question: OpenQuestion,
  payload: PayloadOf<'answer'>,
): Promise<Result<undefined>> {
  const envelope: Envelope = {
    version: '1',
    id: await derivedId(`answer to ${question.question_id}`),
    sender,
    recipient: 'engine',
    envelope_type: 'answer',
    payload: { ...payload },
    context: { run_id: question.run_id, task_id: question.task_id, attempt_id: question.attempt_id },
    inReplyTo: null,
    created_at: new Date().toISOString(),
  };
  const sent = await bus.send([{ envelope, queue: null }]);
  if (sent.ok) return success();
  if (sent.error.code !== 'AC_BUS_ID_CONFLICT') return sent;
  return failure(facadeErrors.AC_QUESTION_ANSWERED({ question: question.question_id }));
}
