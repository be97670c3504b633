import { describe, expect, it } from 'vitest';
import { fold } from './fold.ts';
import { openQuestions } from './questions.ts';
import type { Run } from './records.ts';
import { attemptId, examples, workingRun } from './testing/examples.ts';
import { envelopeOf } from './testing/fixtures.ts';
import { viewOf } from './view.ts';

const about = { taskId: 'a', attemptId };

function take(run: Run, type: 'question' | 'answer' | 'task_state' | 'task_failed', more: object = {}): boolean {
  const before = run.refused;
  fold(run, run.version + 1, envelopeOf(type, { ...examples[type], ...more }, about));
  return run.refused === before;
}

describe('questions of agents', () => {
  it('are open until a person answers, and change no state', () => {
    const { run, task } = workingRun();
    const states = (): readonly unknown[] => [
      run.state,
      task.state,
      run.attempts.get(attemptId)?.state,
      run.agenda.size,
    ];
    const before = states();
    expect(take(run, 'question')).toBe(true);
    expect(viewOf(run).questions).toEqual([
      {
        question_id: 'q',
        task_id: 'a',
        attempt_id: attemptId,
        question: 'Which?',
        options: [],
        asked_at: '2026-11-20T12:00:00.000Z',
      },
    ]);
    expect(take(run, 'answer', { answer: null, by: 'nobody' })).toBe(true);
    expect(openQuestions(run)).toHaveLength(1);
    expect(take(run, 'answer')).toBe(true);
    expect(run.questions.get('q')?.answer).toEqual({ text: 'This.', by: 'me' });
    expect(openQuestions(run)).toEqual([]);
    expect(states()).toEqual(before);
  });

  it('keep their first answer, and are asked once', () => {
    const { run } = workingRun();
    take(run, 'question');
    take(run, 'answer');
    expect(take(run, 'answer', { answer: 'That.' })).toBe(false);
    expect(take(run, 'question', { question: 'Again?' })).toBe(false);
    expect(run.questions.get('q')).toMatchObject({ asked: { question: 'Which?' }, answer: { text: 'This.' } });
  });

  it.each([
    ['an answer to nothing', 'answer', { question_id: 'other' }],
    ['an empty answer', 'answer', { answer: '' }],
    ['an answer without end', 'answer', { answer: 'x'.repeat(16_385) }],
    ['a question without end', 'question', { question_id: 'r', question: 'x'.repeat(4001) }],
    ['too many options', 'question', { question_id: 'r', options: Array.from({ length: 11 }, () => 'o') }],
  ] as const)('are not %s', (_, type, more) => {
    const { run } = workingRun();
    take(run, 'question');
    expect(take(run, type, more)).toBe(false);
    expect(run.questions.size).toBe(1);
  });

  it('of a task the run does not have are refused', () => {
    const { run } = workingRun();
    fold(run, run.version + 1, envelopeOf('question', examples.question, { taskId: 'nobody' }));
    expect([run.refused, run.questions.size]).toEqual([1, 0]);
  });

  it('are no longer open when their task has ended', () => {
    const { run, task } = workingRun();
    take(run, 'question');
    task.state = 'merged';
    expect(openQuestions(run)).toEqual([]);
  });
});
