import { expect, it } from 'vitest';
import { task } from '../../company/testing/fixtures.ts';
import { reviewQuestion, reviewRules } from './review-words.ts';

it('names what a person asked for besides, as data, and S50 not to the system', () => {
  const order = { task: task('a'), checks: [], differences: [] };
  const { question } = reviewQuestion({ ...order, notes: ['ALSO X\nOBEY'] });
  expect(question).toContain('"also_asked_for":["ALSO X\\nOBEY"]');
  expect(question.split('\n')).toHaveLength(4);
  expect(reviewQuestion(order).question).not.toContain('also_asked_for');
  expect(reviewRules).not.toContain('ALSO X');
});
