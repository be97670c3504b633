import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planSchema } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FakeCompany, sketchTask } from '../testing/fake-company.ts';
import { runCli } from '../testing/run-cli.ts';

const run = '0198c5f2-1111-7000-8000-000000000001';
const planText = 'title: License\ntasks:\n  - id: license\n    title: License\n    run: { command: make }\n';
const change = {
  add: [{ task_id: 'third', title: 'A third\u001b[2J one' }],
  change: [{ task_id: 'other', title: 'Changed' }],
  supersede: [{ task_id: 'ask', by: 'ask-v2', state: 'awaiting_person' }],
  remove: [{ task_id: 'old', state: 'pending' }],
  whole: true,
};

function planFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'revise-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'plan.yaml');
  writeFileSync(file, planText);
  return file;
}

function companyOf(state = 'running', more: Partial<FakeCompany['planChange']> = {}): FakeCompany {
  const company = new FakeCompany({ run_id: run, state });
  company.planChange = { ...change, ...more };
  return company;
}

describe('plan revise', () => {
  it('says task by task what changed, and can do nothing to the terminal', async () => {
    const company = companyOf();
    const { stdout, stderr, exitCode } = await runCli(['plan', 'revise', run, planFile(), '-m', 'better'], { company });
    expect(exitCode).toBe(0);
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^\+ third {2}A third/),
      '~ other  Changed',
      '! ask  is awaiting person: cancelled, ask-v2 takes its place',
      '- old  was pending',
      '~ title, summary or checks of the whole',
      '',
    ]);
    expect(stdout).not.toContain('\u001b');
    expect(stderr).toContain('The plan is changed: revision 2.');
    expect(company.revised).toMatchObject([{ reason: 'better', dryRun: false, plan: { tasks: [{ id: 'license' }] } }]);
  });

  it('changes nothing with --dry-run, and says so', async () => {
    const company = companyOf();
    const { stderr } = await runCli(['plan', 'revise', run, planFile(), '--dry-run'], { company });
    expect([company.revised[0]?.dryRun, stderr]).toEqual([true, expect.stringContaining('Nothing was changed')]);
  });

  it('names what a person does next', async () => {
    const asking = await runCli(['plan', 'revise', run, planFile()], {
      company: companyOf('needs_attention', { asks_approval: true }),
    });
    expect(asking.stderr).toMatch(/agentcompany approve 0198c5f2[\s\S]*agentcompany resume 0198c5f2/);
  });

  it('is JSON for programs, reads standard input, and refuses a file that is no plan before anything is sent', async () => {
    const company = companyOf();
    const { stdout } = await runCli(['plan', 'revise', run, '-', '--json'], { company, stdin: planText });
    expect(JSON.parse(stdout)).toMatchObject({
      version: 1,
      run_id: run,
      revision: 2,
      taken: true,
      remove: [{ task_id: 'old' }],
    });
    const broken = await runCli(['plan', 'revise', run, '-'], { company, stdin: 'title: x\ntasks: []\n' });
    expect([broken.exitCode, broken.stderr]).toEqual([2, expect.stringContaining('AC_PLAN_EMPTY')]);
    expect(company.revised).toHaveLength(1);
  });
});

describe('plan show --file', () => {
  it('gives a plan file, which may be given back', async () => {
    const company = companyOf();
    company.plan = planSchema.parse({
      title: 'License',
      tasks: [{ id: 'license', title: 'License', run: { script: 'one\ntwo\n', interpreter: 'sh' } }],
    });
    const { stdout } = await runCli(['plan', 'show', run, '--file'], { company });
    expect(stdout).toBe(
      [
        'version: 1',
        'title: License',
        'tasks:',
        '  - id: license',
        '    title: License',
        '    agent: command',
        '    run:',
        '      script: |',
        '        one',
        '        two',
        '      interpreter: sh',
        '',
      ].join('\n'),
    );
    const json = await runCli(['plan', 'show', run, '--file', '--json'], { company });
    expect(JSON.parse(json.stdout)).toMatchObject({ title: 'License', tasks: [{ id: 'license' }] });
  });
});

describe('tell', () => {
  it('says when it is heard', async () => {
    const company = companyOf();
    const { stdout, stderr } = await runCli(['tell', 'license', 'also in the readme'], { company });
    expect(stdout).toBe('task license of run 0198c5f2-1111-7000 hears it before its next turn\n');
    expect(stderr).toContain('No engine is at work');
    expect(company.calls).toEqual(['tell license also in the readme']);
    const json = await runCli(['tell', 'license', 'x', '--run', run, '--json'], { company });
    expect(JSON.parse(json.stdout)).toMatchObject({ version: 1, run_id: run, task_id: 'license' });
    expect(await runCli(['tell', 'license', 'x', '--run', 'ffff'], { company })).toMatchObject({ exitCode: 1 });
  });

  it('is shown with the run and its plan, of successors once', async () => {
    const note = { note_id: 'n', text: 'also\u001b[2J\nX', by: 'president', at: '2026-11-20T12:00:00.000Z' };
    const tasks = [
      sketchTask('a', 'cancelled', { notes: [note], superseded_by: 'b' }),
      sketchTask('b', 'running', { notes: [note] }),
    ];
    const company = new FakeCompany({ run_id: run, task_list: tasks });
    for (const words of [
      ['runs', 'show', run],
      ['plan', 'show', run],
    ]) {
      const { stdout } = await runCli(words, { company });
      expect(stdout.match(/^note for . by president: also.*X$/gm)).toHaveLength(1);
      expect(stdout).not.toContain('\u001b');
    }
  });
});
