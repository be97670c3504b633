import type { OpenQuestion } from '@agentcompany/orchestrator';
import { shortId, shortQuestionId } from '../run-outcome.ts';
import { cleanLine, cleanText } from './clean-text.ts';
import type { Style } from './style.ts';

/** One question for people: who asks, what, and how to answer. */
export function questionLines(question: OpenQuestion, style: Style): readonly string[] {
  const id = shortQuestionId(question.question_id);
  const asker = `task ${question.task_id} of run ${shortId(question.run_id)} asks, ${question.asked_at}`;
  return [
    `${style.strong(id)}  ${style.faint(asker)}`,
    ...question.question.split('\n').map((line) => `  ${cleanText(line)}`),
    ...question.options.map((option) => `  - ${cleanLine(option)}`),
    `  agentcompany answer ${id} TEXT`,
  ];
}
