import { openBus } from '@agentcompany/agent-bus';
import { agentDefinition, newId, planSchema, unwrap } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { settingsOf } from '../orchestrator/src/company/testing/fixtures.ts';
import { loadConfig } from '../orchestrator/src/config.ts';
import { envelopeTo } from '../orchestrator/src/engine/testing/ledger-on-disk.ts';
import { busOptions } from '../orchestrator/src/home-bus.ts';
import { git, openTestCompany, type TestCompany } from './support/open-test-company.ts';
import { scriptedCompany } from './support/scripted-replies.ts';

const question = 'Which license shall the project have?';
const usage = { input: 10, output: 5 };
/** The latest thing that was said decides: the first reply that fits is given. */
const replies = [
  { contains: ['bytes to LICENSE'], text: 'Done: the license is in place.', usage },
  {
    contains: ['Answer of president:\nMIT'],
    tool_calls: [{ name: 'write_file', input: { path: 'LICENSE', content: 'MIT\n' } }],
    usage,
  },
  { contains: ['Give the project a license.'], tool_calls: [{ name: 'ask_person', input: { question } }], usage },
];
const plan = planSchema.parse({
  title: 'License',
  tasks: [
    {
      id: 'license',
      title: 'License',
      instructions: 'Give the project a license.',
      agent: 'coder',
      verify: ['grep -q MIT LICENSE'],
    },
  ],
});
const agents = [agentDefinition.parse({ name: 'coder', role: 'worker' })];

/** A company whose builtin agent is scripted, and a run of it on record. */
async function openAsking(): Promise<TestCompany & { readonly runId: string }> {
  const test = await openTestCompany({ flags: { ...scriptedCompany(replies).flags, lease_ms: 5000 } });
  onTestFinished(() => test.dispose());
  const { config } = unwrap(loadConfig({ home: test.home, environment: {} }));
  const bus = unwrap(await openBus(unwrap(busOptions(test.home, config))));
  const id = newId();
  const payload = { project_id: 'app', instruction: 'License it.', plan, settings: settingsOf({ agents }) };
  unwrap(await bus.send([{ envelope: envelopeTo(id, 'task_submit', payload, { id }) }]));
  await bus.close();
  return { ...test, runId: id };
}

/** The open question of the run, as soon as an agent asks it. */
async function asked({ company, runId }: { company: TestCompany['company']; runId: string }): Promise<string> {
  const stop = AbortSignal.timeout(60_000);
  for await (const { envelope } of company.timeline(runId, { after: 0, follow: true, signal: stop }))
    if (envelope.envelope_type === 'question') break;
  const [open] = unwrap(await company.listQuestions(runId));
  expect(open).toMatchObject({ run_id: runId, task_id: 'license', question });
  return open?.question_id ?? '';
}

async function typesOf({ company, runId }: { company: TestCompany['company']; runId: string }): Promise<string[]> {
  const types: string[] = [];
  const all = { after: 0, follow: false, signal: AbortSignal.timeout(10_000) };
  for await (const { envelope } of company.timeline(runId, all)) types.push(envelope.envelope_type);
  return types;
}

describe('an agent in a sealed worker that asks a person', () => {
  it('waits, is answered, and its work is published', async () => {
    const test = await openAsking();
    const driven = test.company.drive({ runs: [test.runId], signal: AbortSignal.timeout(90_000) });
    unwrap(await test.company.answerQuestion(await asked(test), 'MIT'));
    unwrap(await driven);
    const run = unwrap(await test.company.showRun(test.runId));
    expect([run.state, run.error, run.questions]).toEqual(['published', null, []]);
    expect(git(test.repository, 'show', `${run.pull_request?.branch ?? ''}:LICENSE`)).toBe('MIT');
    expect(run.task_list[0]?.attempts).toHaveLength(1);
  });

  it('finds the answer that came while no engine was at work, and asks once', async () => {
    const test = await openAsking();
    const stop = new AbortController();
    const driven = test.company.drive({ runs: [test.runId], signal: stop.signal });
    const id = await asked(test);
    stop.abort();
    await driven;
    unwrap(await test.company.answerQuestion(id, 'MIT'));
    unwrap(await test.company.drive({ runs: [test.runId], signal: AbortSignal.timeout(90_000) }));
    const run = unwrap(await test.company.showRun(test.runId));
    expect([run.state, run.task_list[0]?.attempts.length]).toEqual(['published', 2]);
    const types = await typesOf(test);
    expect(types.filter((type) => type === 'question' || type === 'answer')).toEqual(['question', 'answer']);
  });
});
