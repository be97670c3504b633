import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { checkPlan } from './plan-check.ts';

function task(id: string, ...dependencies: string[]): Record<string, unknown> {
  return { id, title: id, depends_on: dependencies, run: { command: 'true' } };
}

function refusal(value: unknown): { readonly code: string; readonly message: string } {
  const result = checkPlan(value);
  if (result.ok) throw new Error('was accepted');
  return result.error;
}

function plan(...tasks: unknown[]): unknown {
  return { title: 'a plan', tasks };
}

describe('checkPlan', () => {
  it('fills in the defaults', () => {
    const checked = unwrap(checkPlan(plan(task('a'), task('b', 'a'))));
    expect(checked.tasks[1]).toMatchObject({ agent: 'command', depends_on: ['a'], allow_empty: false, verify: [] });
  });

  it('names an empty plan, a repeated id and an unknown dependency', () => {
    expect(refusal(plan())).toMatchObject({ code: 'AC_PLAN_EMPTY' });
    expect(refusal(plan(task('a'), task('a')))).toMatchObject({
      code: 'AC_PLAN_DUPLICATE_TASK',
      message: 'two tasks have the id a',
    });
    expect(refusal(plan(task('a', 'b')))).toMatchObject({
      code: 'AC_PLAN_UNKNOWN_DEPENDENCY',
      message: 'task a depends on b, which the plan does not have',
    });
  });

  it('names the tasks of a cycle and only those', () => {
    const message = refusal(
      plan(task('start', 'a'), task('a', 'b'), task('b', 'c'), task('c', 'a'), task('alone')),
    ).message;
    expect(message).toBe('tasks wait for each other in a circle: a -> b -> c -> a');
    expect(refusal(plan(task('a', 'a'))).message).toContain('a -> a');
  });

  it('takes a diamond and a repeated dependency', () => {
    expect(checkPlan(plan(task('a'), task('b', 'a'), task('c', 'a'), task('d', 'b', 'c', 'b')))).toMatchObject({
      ok: true,
    });
  });

  it('takes a chain of 20,000 tasks, and finds the circle that closes it', () => {
    const chain = Array.from({ length: 20_000 }, (_, index) =>
      task(`t${index}`, ...(index === 0 ? [] : [`t${index - 1}`])),
    );
    const reversed = plan(...chain.toReversed());
    expect(checkPlan(reversed)).toMatchObject({ ok: true });
    const closed = plan(task('t0', 't19999'), ...chain.slice(1));
    expect(refusal(closed)).toMatchObject({ code: 'AC_PLAN_CYCLE', message: expect.stringContaining('19989 more') });
  });

  it.each([
    ['tasks.0.run.command', { ...task('a'), run: { command: '' } }],
    ['tasks.0.run.interpreter', { ...task('a'), run: { script: 'x', interpreter: 'perl' } }],
    ['tasks.0.paths.0', { ...task('a'), paths: ['../x'] }],
    ['tasks.0.id', { ...task('a'), id: 'A b' }],
    ['tasks.0.tilte: unknown field', { ...task('a'), tilte: 'x' }],
    ['tasks.0.run', { id: 'a', title: 'a' }],
  ])('names the field %s', (field, bad) => {
    expect(refusal(plan(bad))).toMatchObject({ code: 'AC_PLAN_INVALID', message: expect.stringContaining(field) });
  });

  it('refuses what is no plan at all', () => {
    for (const value of [null, undefined, 7, 'x', [], { tasks: {} }])
      expect(refusal(value).code).toBe('AC_PLAN_INVALID');
  });
});
