import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { planSchema, unwrap, type EnvelopeType } from '@agentcompany/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { openTestCompany, planOf, type TestCompany } from './support/open-test-company.ts';
import { replayAgain } from './support/replay-again.ts';
import { scriptedCompany } from './support/scripted-replies.ts';

let test: TestCompany;
afterEach(() => test.dispose());

const signal = (): AbortSignal => AbortSignal.timeout(90_000);

/** Submits, drives, and lets a person act at the first entry of this type. */
async function carryOut(
  request: Parameters<TestCompany['company']['submit']>[0],
  type: EnvelopeType,
  act: (runId: string) => Promise<void>,
): Promise<string> {
  const { company } = test;
  const { runId } = unwrap(await company.submit(request));
  const driven = company.drive({ runs: [runId], signal: signal() });
  for await (const { envelope } of company.timeline(runId, { after: 0, follow: true, signal: signal() }))
    if (envelope.envelope_type === type) break;
  await act(runId);
  unwrap(await driven);
  return runId;
}

const shell = (id: string, command: string, more: Readonly<Record<string, unknown>> = {}) => ({
  id,
  run: { command },
  ...more,
});

describe('a replay of a run in which people took part', () => {
  it('changes the plan again while the same task is at work', async () => {
    test = await openTestCompany();
    const plan = planOf([
      shell('slow', 'sleep 3; echo one > slow.txt'),
      shell('next', 'cat slow.txt > next.txt', { depends_on: ['slow'] }),
    ]);
    const revised = planOf([
      shell('slow', 'echo two > slow.txt'),
      shell('next', 'cat slow.txt slow.txt > next.txt', { depends_on: ['slow'] }),
      shell('more', 'echo more > more.txt'),
    ]);
    const request = { projectId: 'app', instruction: 'Go.', plan };
    const runId = await carryOut(request, 'attempt_started', async (id) => {
      unwrap(await test.company.revisePlan(id, { plan: revised, reason: 'Better so.', dryRun: false }));
    });
    expect(unwrap(await test.company.showRun(runId))).toMatchObject({ state: 'published', plan_revision: 2 });
    const report = await replayAgain(test, runId, {});
    expect(report.facts.map(({ what, recorded, replayed, same }) => [what, recorded, replayed, same])).toEqual([
      ['revision 2', 'taken', 'taken', true],
      ['plan', expect.any(String), expect.any(String), true],
      ['task slow', 'cancelled', 'cancelled', true],
      ['task next', 'approve, merged', 'approve, merged', true],
      ['task slow-v2', 'approve, merged', 'approve, merged', true],
      ['task more', 'approve, merged', 'approve, merged', true],
      ['result', expect.any(String), expect.any(String), true],
      ['run', 'published', 'published', true],
    ]);
    expect(report.same).toBe(true);
  });

  it('tells an agent again what it was told, before the same turn, and answers it', async () => {
    const wish = 'Also put the name of the license into NOTICE.';
    const write = (path: string) => ({ tool_calls: [{ name: 'write_file', input: { path, content: 'MIT\n' } }] });
    const { flags, file } = scriptedCompany([
      { contains: ['bytes to NOTICE'], text: 'Done.' },
      { contains: ['bytes to LICENSE', wish], ...write('NOTICE') },
      { contains: ['Answer of president:\nMIT', wish], ...write('LICENSE') },
      {
        contains: ['Give the project a license.'],
        tool_calls: [{ name: 'ask_person', input: { question: 'Which license?' } }],
      },
    ]);
    test = await openTestCompany({ flags: { ...flags, review: 'rules' } });
    const plan = planSchema.parse({
      title: 'License',
      tasks: [{ id: 'license', title: 'License', instructions: 'Give the project a license.', agent: 'coder' }],
    });
    const runId = await carryOut({ projectId: 'app', instruction: 'License it.', plan }, 'question', async (id) => {
      unwrap(await test.company.tellTask({ taskId: 'license', note: wish }));
      const [open] = unwrap(await test.company.listQuestions(id));
      unwrap(await test.company.answerQuestion(open?.question_id ?? '', 'MIT'));
    });
    expect(unwrap(await test.company.showRun(runId))).toMatchObject({ state: 'published', error: null });
    rmSync(file);
    const report = await replayAgain(test, runId, flags);
    expect(report).toMatchObject({ same: true, exchanges: { recorded: 4, used: 4 }, first_unrecorded: null });
    expect(report.facts[0]).toEqual({ what: 'note 1 to license', recorded: 'taken', replayed: 'taken', same: true });
  });

  it('has the Manager triage again, and goes on where a person resumed a run that stood still', async () => {
    const check = 'grep -q hello hello.txt';
    const task = { id: 'greet', title: 'Greet', instructions: 'A file that says hello.', verify: [check] };
    const instruction = 'Greet the world in a file of its own.';
    const answer = { decision: 'person', reason: 'Somebody has to say what is meant.' };
    const { flags } = scriptedCompany([
      { capture: 'This is triage ([0-9a-f]+)', text: JSON.stringify({ triage: '{captured}', ...answer }) },
      {
        contains: [instruction, 'README.md'],
        text: JSON.stringify({ title: 'Greet', tasks: [{ ...task, run: { command: 'echo hullo > hello.txt' } }] }),
      },
    ]);
    test = await openTestCompany({ flags: { ...flags, review: 'rules' } });
    const { company } = test;
    const { runId } = unwrap(await company.submit({ projectId: 'app', instruction, plan: null }));
    unwrap(await company.drive({ runs: [runId], signal: signal() }));
    expect(unwrap(await company.showRun(runId)).state).toBe('needs_attention');
    const revised = planOf([{ ...task, run: { command: 'echo hello > hello.txt' } }], { title: 'Greet' });
    unwrap(await company.revisePlan(runId, { plan: revised, reason: 'It was misspelt.', dryRun: false }));
    unwrap(await company.resumeRun(runId));
    unwrap(await company.drive({ runs: [runId], signal: signal() }));
    expect(unwrap(await company.showRun(runId)).state).toBe('published');
    const report = await replayAgain(test, runId, flags);
    expect(report).toMatchObject({ same: true, exchanges: { recorded: 2, used: 2 }, first_unrecorded: null });
    expect(report.facts.slice(0, 2).map(({ what, replayed }) => [what, replayed])).toEqual([
      ['revision 2', 'taken'],
      ['resume 1', 'taken'],
    ]);
    // Without the answer that made the plan there is nothing that could be changed.
    const folder = join(test.home.runsFolder, runId, 'exchanges');
    const planning = readdirSync(folder).filter((name) =>
      readFileSync(join(folder, name), 'utf8').includes('"planning"'),
    );
    for (const name of planning) rmSync(join(folder, name));
    const lost = await replayAgain(test, runId, flags);
    expect(lost.same).toBe(false);
    expect(lost.facts[0]).toEqual({
      what: 'revision 2',
      recorded: 'taken',
      replayed: 'AC_REVISION_UNTIMELY',
      same: false,
    });
  });
});
