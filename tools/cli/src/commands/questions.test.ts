import { describe, expect, it } from 'vitest';
import { FakeCompany } from '../testing/fake-company.ts';
import { runCli } from '../testing/run-cli.ts';

const run = '0198c5f2-1111-7000-8000-000000000001';
const questionId = '7c31a90e-2222-8000-8000-000000000002';

function asking(): FakeCompany {
  const question = {
    question_id: questionId,
    task_id: 'license',
    attempt_id: 'attempt-1',
    question: 'Which license?\u001b[2J\nIt matters.',
    options: ['MIT', 'Apache-2.0'],
    asked_at: '2026-11-20T12:00:00.000Z',
  };
  return new FakeCompany({ run_id: run, questions: [question] });
}

describe('questions', () => {
  it('are listed with who asks, the options and how to answer, and can do nothing to the terminal', async () => {
    const { stdout, exitCode } = await runCli(['questions'], { company: asking() });
    expect(exitCode).toBe(0);
    expect(stdout.split('\n')).toEqual([
      '7c31a90e  task license of run 0198c5f2-1111-7000 asks, 2026-11-20T12:00:00.000Z',
      expect.stringMatching(/^ {2}Which license\?/),
      '  It matters.',
      '  - MIT',
      '  - Apache-2.0',
      '  agentcompany answer 7c31a90e TEXT',
      '',
    ]);
    expect(stdout).not.toContain('\u001b');
  });

  it('are JSON for programs, of one run where it is named', async () => {
    const { stdout } = await runCli(['questions', run, '--json'], { company: asking() });
    expect(JSON.parse(stdout)).toMatchObject({ version: 1, questions: [{ run_id: run, question_id: questionId }] });
    expect(await runCli(['questions', 'ffff'], { company: asking() })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('AC_RUN_UNKNOWN'),
    });
    const none = await runCli(['questions'], { company: new FakeCompany({ run_id: run }) });
    expect([none.stdout, none.stderr]).toEqual(['', 'No agent asks anything.\n']);
  });

  it('are answered by the beginning of their id', async () => {
    const answered = await runCli(['answer', '7c31', 'MIT, as before'], { company: asking() });
    expect(answered.company.calls).toEqual([`answer ${questionId} MIT, as before`]);
    expect(answered.stdout).toBe('7c31a90e answered, for task license of run 0198c5f2-1111-7000\n');
    const json = await runCli(['answer', '7c31', 'MIT', '--json'], { company: asking() });
    expect(JSON.parse(json.stdout)).toMatchObject({ version: 1, question_id: questionId, run_id: run });
    const unknown = await runCli(['answer', 'ffff', 'MIT'], { company: asking() });
    expect([unknown.exitCode, unknown.stderr]).toEqual([1, expect.stringContaining('AC_QUESTION_UNKNOWN')]);
    expect((await runCli(['answer', '7c31'], { company: asking() })).exitCode).toBe(2);
  });

  it('are part of what is shown of a run, and of its timeline', async () => {
    const shown = await runCli(['runs', 'show', run], { company: asking() });
    expect(shown.stdout).toContain('agentcompany answer 7c31a90e TEXT');
    const company = asking();
    company.change(run, { state: 'completed' });
    company.record(run, 'question', { question_id: questionId, question: 'Which license?' }, 'license');
    company.record(run, 'answer', { question_id: questionId, answer: 'MIT', by: 'president' }, 'license');
    company.record(run, 'answer', { question_id: questionId, answer: null, by: 'nobody' }, 'license');
    const { stdout } = await runCli(['watch', run], { company });
    expect(stdout).toContain('asks: Which license?\n          agentcompany answer 7c31a90e TEXT\n');
    expect(stdout).toContain('answered by president: MIT');
    expect(stdout).toContain('nobody answered in time');
  });
});
