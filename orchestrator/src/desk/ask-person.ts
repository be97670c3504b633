import {
  derivedId,
  failure,
  maximumQuestionLength,
  parsePayload,
  success,
  type PayloadOf,
  type Result,
} from '@agentcompany/protocol';
import { z } from 'zod';
import { record } from '../company/decide/draft.ts';
import type { Run } from '../company/records.ts';
import { mint } from '../engine/mint.ts';
import type { DeskWork } from './desk-work.ts';
import { deskErrors } from './errors.ts';
import { hostTool, type HostTool } from './host-tool.ts';

const input = z.strictObject({
  question: z
    .string()
    .trim()
    .min(1)
    .max(maximumQuestionLength)
    .describe('The question, with all that a person who does not see your work needs to answer it.'),
  options: z
    .array(z.string().trim().min(1).max(200))
    .max(10)
    .default([])
    .describe('Answers to choose from, where there are such; a person may answer anything.'),
});
type Asked = z.infer<typeof input>;

/** Questions one task may ask in all its attempts: a person's patience is no resource of a worker's. */
const maximumQuestions = 20;

/** What an agent is told where nobody answered. */
const unanswered = 'Nobody answered yet. Go on with your best judgement, and say in your result what you assumed.';

/**
 * `ask_person`: puts a question on record and waits for a person's answer, as long as one command of the task may take. A task that
 * asks the same again, in whatever attempt, is the same question: what was answered is given again, also when the answer came late.
 */
export function askPerson(work: DeskWork): HostTool {
  return hostTool(
    'ask_person',
    'Asks the person who gave the instruction, and waits for the answer, which may take minutes. Use it only for what you can neither find out nor decide.',
    input,
    (asked, signal) => ask(work, asked, signal),
  );
}

async function ask(work: DeskWork, asked: Asked, signal: AbortSignal): Promise<Result<string>> {
  const { bus, folds, run, taskId } = work;
  const question = asked.question.toWellFormed();
  const id = await derivedId(`question of task ${taskId} in run ${run.id}: ${question}`);
  const from = await bus.lastPosition();
  if (!from.ok) return from;
  const folded = await folds.refresh(run.id);
  if (!folded.ok) return folded;
  const known = folded.value?.questions.get(id);
  if (known?.answer) return success(answerText(known.answer));
  if (known === undefined) {
    const put = await putQuestion(work, folded.value ?? run, { ...asked, question }, id);
    if (!put.ok) return put;
  }
  const patience = AbortSignal.any([signal, AbortSignal.timeout(work.patienceMs)]);
  const answer = await firstAnswer(work, id, from.value, patience);
  if (answer !== null) return success(answerText(answer));
  if (signal.aborted) return failure(deskErrors.AC_TOOL_ABORTED({ tool: 'ask_person' }));
  const noted = await note(work, record('answer', { question_id: id, answer: null, by: 'nobody' }, about(work)), id);
  return noted.ok ? success(unanswered) : noted;
}

async function putQuestion(work: DeskWork, run: Run, asked: Asked, id: string): Promise<Result<undefined>> {
  const { taskId, attemptId } = work;
  const count = [...run.questions.values()].filter((question) => question.taskId === taskId).length;
  if (count >= maximumQuestions) return failure(deskErrors.AC_QUESTIONS_SPENT({ task: taskId, count }));
  const options = asked.options.map((option) => option.toWellFormed());
  const payload = { question_id: id, attempt_id: attemptId, question: asked.question, options };
  const items = await mint([record('question', payload, about(work))], originOf(run.id, id));
  const sent = await work.bus.send(items);
  // The same question, put by an attempt at the same time: one is enough.
  return sent.ok || sent.error.code === 'AC_BUS_ID_CONFLICT' ? success() : sent;
}

/** Puts on record that this attempt waited in vain; once, however often it asks the same. */
async function note(work: DeskWork, draft: ReturnType<typeof record>, id: string): Promise<Result<undefined>> {
  const items = await mint([draft], originOf(work.run.id, `no answer to ${id} in attempt ${work.attemptId}`));
  const sent = await work.bus.send(items);
  return sent.ok || sent.error.code === 'AC_BUS_ID_CONFLICT' ? success() : sent;
}

function about({ taskId, attemptId }: DeskWork): { readonly taskId: string; readonly attemptId: string } {
  return { taskId, attemptId };
}

function originOf(runId: string, cause: string): Parameters<typeof mint>[1] {
  return { sender: 'workers', runId, cause, inReplyTo: null };
}

type Answer = Pick<PayloadOf<'answer'>, 'by'> & { readonly text: string };

/** The answer, as soon as it is on record; null when `signal` aborts before. */
async function firstAnswer(work: DeskWork, id: string, after: number, signal: AbortSignal): Promise<Answer | null> {
  for await (const { stream, envelope } of work.bus.watch({ after, signal })) {
    if (stream !== work.run.id || envelope.envelope_type !== 'answer') continue;
    const payload = parsePayload('answer', envelope.payload);
    if (!payload.ok || payload.value.question_id !== id || payload.value.answer === null) continue;
    return { text: payload.value.answer, by: payload.value.by };
  }
  return null;
}

function answerText({ text, by }: Answer): string {
  return `Answer of ${by}:\n${text}`;
}
