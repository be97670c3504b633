import { agentDefinition } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { fold } from './fold.ts';
import { findNoteProblem } from './notes.ts';
import type { Run, TaskRecord } from './records.ts';
import { taskStates } from './states.ts';
import { envelopeOf, idOf, planOf, task } from './testing/fixtures.ts';
import { workingRun } from './testing/examples.ts';
import { Simulation } from './testing/simulation.ts';
import { viewOf } from './view.ts';

function agentAtWork(): { readonly run: Run; readonly task: TaskRecord } {
  const { run, task: first } = workingRun();
  first.spec = { ...first.spec, agent: 'coder' };
  return { run, task: first };
}

function tell(run: Run, text: string, number = 1, taskId = 'a'): number {
  const { refused } = run;
  const envelope = envelopeOf('task_note', { note: text, by: 'president' }, { id: idOf(number), taskId });
  fold(run, run.version + 1, envelope);
  return run.refused - refused;
}

describe('notes for a task', () => {
  it('are on record in their order, each once, and shown with the task', () => {
    const { run } = agentAtWork();
    expect([tell(run, 'one', 1), tell(run, 'two', 2), tell(run, 'one', 1)]).toEqual([0, 0, 1]);
    expect(viewOf(run).task_list[0]?.notes.map(({ text, by }) => [text, by])).toEqual([
      ['one', 'president'],
      ['two', 'president'],
    ]);
  });

  const deaf = new Set(['merged', 'failed', 'cancelled', 'cancelling']);
  it.each(taskStates)('are taken of a task that is %s as long as somebody may work on it', (state) => {
    const { run, task: first } = agentAtWork();
    run.counts[first.state] -= 1;
    run.counts[state] += 1;
    first.state = state;
    const code = deaf.has(state) ? 'AC_NOTE_TASK_ENDED' : undefined;
    expect(findNoteProblem(run, first)?.code).toBe(code);
    expect(tell(run, 'also X')).toBe(code === undefined ? 0 : 1);
  });

  it('are not taken of a command, of a run that has ended, nor more of them than somebody would read', () => {
    const { run, task: first } = agentAtWork();
    expect(tell(run, 'also X', 1, 'b')).toBe(1);
    for (let number = 1; number <= 50; number += 1) expect(tell(run, 'more', number)).toBe(0);
    expect([tell(run, 'too much', 51), findNoteProblem(run, first)?.code]).toEqual([1, 'AC_NOTES_SPENT']);
    const ended = agentAtWork();
    ended.run.state = 'failed';
    expect(findNoteProblem(ended.run, ended.task)?.code).toBe('AC_NOTE_TASK_ENDED');
    expect(tell(ended.run, 'x'.repeat(4001))).toBe(1);
  });

  it('pass on to the task that takes the place of another', () => {
    const plan = planOf({});
    const { run: _, ...spec } = task('a', { agent: 'coder' });
    plan.tasks.push(spec);
    const settings = { agents: [agentDefinition.parse({ name: 'coder', role: 'worker' })] };
    const company = new Simulation({ plan, settings, world: { work: () => 'hold' } }).proceed();
    company.say('task_note', { note: 'also X', by: 'president' }, { taskId: 'a' });
    const supersede = [{ task_id: 'a', by: 'a2' }];
    const revision = {
      revision: 2,
      reason: 'r',
      by: 'president',
      add: [{ ...spec, id: 'a2' }],
      supersede,
      feedback: null,
    };
    company.say('plan_revision', revision);
    expect(company.task('a2').notes.map(({ text }) => text)).toEqual(['also X']);
    expect(findNoteProblem(company.run, company.task('a'))?.code).toBe('AC_NOTE_TASK_ENDED');
  });
});
