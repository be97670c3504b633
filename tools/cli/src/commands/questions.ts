import type { OpenQuestion } from '@agentcompany/orchestrator';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { shortId, shortQuestionId } from '../run-outcome.ts';
import { action, examples, type Session } from '../session.ts';
import { questionLines } from '../terminal/question-lines.ts';

function print(context: Context, questions: readonly OpenQuestion[]): void {
  if (questions.length === 0) return context.talk('No agent asks anything.');
  for (const [index, question] of questions.entries()) {
    if (index > 0) context.data('');
    for (const line of questionLines(question, context.style)) context.data(line);
  }
}

/** `questions`: what agents ask. */
export function addQuestions(program: Command, session: Session): void {
  const command = program
    .command('questions')
    .summary('what agents ask you')
    .description(
      "Lists the questions of agents that nobody has answered, oldest first. What they say is theirs, not the company's.",
    )
    .argument('[run]', 'id of a run, or the beginning of it; all open runs where absent')
    .action(
      action(session, async (context, [id]) =>
        context.withCompany({}, async (company) => {
          const questions = await company.listQuestions(id);
          if (!questions.ok) return context.fail(questions.error);
          if (context.json) context.document({ version: 1, questions: questions.value });
          else print(context, questions.value);
          return 0;
        }),
      ),
    );
  examples(command, 'agentcompany questions', 'agentcompany questions 0198c5f2 --json | jq .questions');
}

/** `answer`: answers one. */
export function addAnswer(program: Command, session: Session): void {
  const command = program
    .command('answer')
    .summary('answer a question of an agent')
    .description(
      'Answers a question of an agent. One that waits goes on with it; else the next attempt at the task finds it.',
    )
    .argument('<question>', 'id of the question, or the beginning of it')
    .argument('<text>', 'the answer')
    .action(
      action(session, async (context, [id, text]) =>
        context.withCompany({}, async (company) => {
          const answered = await company.answerQuestion(id ?? '', text ?? '');
          if (!answered.ok) return context.fail(answered.error);
          const { question_id, run_id, task_id } = answered.value;
          if (context.json) context.document({ version: 1, question_id, run_id, task_id, requested: 'answered' });
          else context.data(`${shortQuestionId(question_id)} answered, for task ${task_id} of run ${shortId(run_id)}`);
          return 0;
        }),
      ),
    );
  examples(command, 'agentcompany answer 7c31a90e "Keep the old name"');
}
