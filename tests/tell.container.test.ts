import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planSchema, unwrap } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { git, openTestCompany, type TestCompany } from './support/open-test-company.ts';

const question = 'Which license shall the project have?';
const wish = 'Also put the name of the license into NOTICE.';
const usage = { input: 10, output: 5 };
const write = (path: string) => ({ tool_calls: [{ name: 'write_file', input: { path, content: 'MIT\n' } }], usage });
/** The latest thing that was said decides: the first reply that fits is given. */
const replies = [
  { contains: ['bytes to NOTICE'], text: 'Done: the license and the notice are in place.', usage },
  { contains: ['bytes to LICENSE', wish], ...write('NOTICE') },
  { contains: ['Answer of president:\nMIT', wish], ...write('LICENSE') },
  { contains: ['Give the project a license.'], tool_calls: [{ name: 'ask_person', input: { question } }], usage },
];
const plan = planSchema.parse({
  title: 'License',
  tasks: [
    { id: 'license', title: 'License', instructions: 'Give the project a license.', agent: 'coder' },
    { id: 'greet', title: 'Greet', instructions: 'A file.', run: { command: 'echo hello > hello.txt' } },
  ],
});

async function openTelling(): Promise<TestCompany> {
  const folder = mkdtempSync(join(tmpdir(), 'replies-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'replies.json');
  writeFileSync(file, JSON.stringify({ version: 1, replies }));
  const flags = { ai_adapter: 'scripted', model: 'coder', models: { scripted: { file } } };
  const test = await openTestCompany({ flags });
  onTestFinished(() => test.dispose());
  return test;
}

describe('a person who tells an agent in a sealed worker something more', () => {
  it('is heard before its next turn, and what was said stays on record', async () => {
    const { company, repository } = await openTelling();
    const { runId } = unwrap(await company.submit({ projectId: 'app', instruction: 'License it.', plan }));
    const driven = company.drive({ runs: [runId], signal: AbortSignal.timeout(90_000) });
    const stop = AbortSignal.timeout(60_000);
    for await (const { envelope } of company.timeline(runId, { after: 0, follow: true, signal: stop }))
      if (envelope.envelope_type === 'question') break;
    const told = unwrap(await company.tellTask({ taskId: 'license', note: wish }));
    expect(told).toMatchObject({ run_id: runId, task_id: 'license', heard: 'before its next turn' });
    const unread = await company.tellTask({ taskId: 'greet', note: wish });
    expect(unread).toMatchObject({ ok: false, error: { code: expect.stringMatching(/AC_NOTE_(UNREAD|TASK_ENDED)/) } });
    const [open] = unwrap(await company.listQuestions(runId));
    unwrap(await company.answerQuestion(open?.question_id ?? '', 'MIT'));
    unwrap(await driven);
    const run = unwrap(await company.showRun(runId));
    expect([run.state, run.error]).toEqual(['published', null]);
    expect(git(repository, 'show', `${run.pull_request?.branch ?? ''}:NOTICE`)).toBe('MIT');
    const task = run.task_list.find(({ task_id }) => task_id === 'license');
    expect(task?.notes).toMatchObject([{ note_id: told.note_id, text: wish, by: 'president' }]);
    expect(task?.attempts).toHaveLength(1);
    const late = await company.tellTask({ runId, taskId: 'license', note: 'And more.' });
    expect(late).toMatchObject({ ok: false, error: { code: 'AC_NOTE_TASK_ENDED' } });
  });
});
