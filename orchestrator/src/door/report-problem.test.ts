import { workOrder, type WorkReport } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { reportProblem } from './report-problem.ts';

const workspace = { mirror: '/m', base_oid: 'b', command_timeout: 1, verify: ['one', 'two'] };
const task = workOrder.parse({
  kind: 'task',
  ...workspace,
  attempt_id: 'a',
  title: 't',
  instructions: '',
  run: { command: 'x' },
  agent: null,
  allow_empty: false,
  feedback: null,
  result_ref: 'r',
});
const verification = workOrder.parse({ kind: 'verify', ...workspace });
const green = (command: string) => ({ command, exit_code: 0, duration_ms: 1, output: '' });
const error = { code: 'AC_WORK_FAILED', message: '', cause: null, remedy: '', retry: 'later' as const };
const done: WorkReport = {
  outcome: 'done',
  commit: 'c',
  tree: 't',
  agent: green('x'),
  verify: [green('one'), green('two')],
  error: null,
};

describe('a report', () => {
  it('of what was asked is taken', () => {
    expect(reportProblem(task, done, true)).toBeNull();
    expect(reportProblem(verification, { ...done, commit: null, tree: null, agent: null }, false)).toBeNull();
    expect(reportProblem(task, { ...done, outcome: 'failed', commit: null, verify: [], error }, false)).toBeNull();
  });

  it.each<readonly [string, Partial<WorkReport>, boolean]>([
    ['without an error', { outcome: 'failed' }, true],
    ['with an error', { error }, true],
    ['check missing or red', { verify: [green('one')] }, true],
    ['check missing or red', { verify: [green('one'), { ...green('two'), exit_code: 1 }] }, true],
    ['check missing or red', { verify: [green('one'), green('true')] }, true],
    ['without a bundle', {}, false],
    ['without what its agent did', { agent: null }, true],
    ['without a commit', { commit: null }, true],
    ['without a commit', { tree: null }, true],
    ['none of a worker', { outcome: 'failed', error: { ...error, code: 'AC_ENGINE_STOPPED' } }, true],
    ['more checks', { outcome: 'failed', error, verify: [green('one'), green('two'), green('one')] }, true],
    ['nobody ordered', { outcome: 'failed', error, verify: [green('three')] }, true],
    ['too much output', { agent: { ...green('x'), output: 'y'.repeat(16_385) } }, true],
  ])('that says otherwise is refused: %s', (problem, change, hasBundle) => {
    expect(reportProblem(task, { ...done, ...change }, hasBundle)).toContain(problem);
  });
});
