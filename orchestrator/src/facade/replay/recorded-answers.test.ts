import type { Envelope } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { envelopeTo } from '../../engine/testing/ledger-on-disk.ts';
import { readAnswers, RecordedAnswers } from './recorded-answers.ts';

const then = '0198c5f2-0000-7000-8000-000000000001';
const now = '0198c5f2-0000-7000-8000-000000000002';

function question(run: string, id: string, text: string, task = 'a'): Envelope {
  const payload = { question_id: `${run}-${id}`, attempt_id: run, question: text, options: [] };
  return envelopeTo(run, 'question', payload, { context: { run_id: run, task_id: task } });
}

function answer(run: string, id: string, text: string | null): Envelope {
  return envelopeTo(run, 'answer', {
    question_id: `${run}-${id}`,
    answer: text,
    by: text === null ? 'nobody' : 'president',
  });
}

describe('recorded answers', () => {
  it('are given to the same question of the same task, whatever its id', () => {
    const recorded = readAnswers([question(then, '1', 'Which?'), answer(then, '1', 'MIT'), answer(then, '1', 'late')]);
    const answers = new RecordedAnswers(recorded);
    expect(answers.note(question(now, '9', 'Which?'))).toEqual({ questionId: `${now}-9`, text: 'MIT' });
    expect(answers.note(question(now, '8', 'Which?', 'b'))).toBeNull();
    expect(answers.note(question(now, '7', 'Why?'))).toBeNull();
    // Once is enough.
    expect(answers.note(answer(now, '9', 'MIT'))).toBeNull();
  });

  it('come as late as they came: after as many attempts that waited in vain', () => {
    const recorded = readAnswers([
      question(then, '1', 'Which?'),
      answer(then, '1', null),
      answer(then, '1', null),
      answer(then, '1', 'MIT'),
    ]);
    const answers = new RecordedAnswers(recorded);
    expect(answers.note(question(now, '1', 'Which?'))).toBeNull();
    expect(answers.note(answer(now, '1', null))).toBeNull();
    expect(answers.note(answer(now, '1', null))).toEqual({ questionId: `${now}-1`, text: 'MIT' });
  });

  it('are none where nobody answered', () => {
    const answers = new RecordedAnswers(readAnswers([question(then, '1', 'Which?'), answer(then, '1', null)]));
    expect(answers.note(question(now, '1', 'Which?'))).toBeNull();
    expect(answers.note(answer(now, '1', null))).toBeNull();
  });
});
