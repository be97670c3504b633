import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { planSchema, unwrap } from '@agentcompany/protocol';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { RunView } from '../orchestrator/src/company/view.ts';
import { engineSocket } from '../orchestrator/src/containers/dod/engine-address.ts';
import { WorkerFixture } from '../orchestrator/src/containers/testing/worker-fixture.ts';
import { openAgentsInstallation, type AgentsInstallation } from './support/agents-installation.ts';
import { git, openTestCompany, type TestCompany } from './support/open-test-company.ts';
import { scriptedCompany } from './support/scripted-replies.ts';

const docker = new Docker({ socketPath: unwrap(engineSocket(process.env['DOCKER_HOST'] ?? null)) });
/** The shell of each agent, and what it is told to run in it. */
const shells = {
  'claude-code': { name: 'Bash', input: (command: string) => ({ command, description: 'a command' }) },
  'codex': { name: 'exec_command', input: (cmd: string) => ({ cmd }) },
  'opencode': { name: 'bash', input: (command: string) => ({ command, description: 'a command' }) },
  'gemini-cli': { name: 'run_shell_command', input: (command: string) => ({ command, description: 'a command' }) },
} as const;
type Runtime = keyof typeof shells;
const runtimes: readonly Runtime[] = ['claude-code', 'codex', 'opencode', 'gemini-cli'];
const goOn = 'Its changes are in the working copy';

let fixture: WorkerFixture;
let installed: AgentsInstallation;
beforeAll(async () => {
  fixture = await WorkerFixture.open();
  installed = await openAgentsInstallation(fixture.engine, fixture.image, runtimes);
}, 300_000);
afterAll(async () => {
  installed.dispose();
  await fixture.close();
});

interface Working extends TestCompany {
  readonly runId: string;
  readonly driven: Promise<unknown>;
}

/** A run of one task for an agent that may have two answers an attempt; the commands are what its model wants, by what it has read. */
async function work(
  runtime: Runtime,
  commands: readonly (readonly [seen: string, command: string | null])[],
): Promise<Working> {
  const { name, input } = shells[runtime];
  const { flags } = scriptedCompany(
    commands.map(([seen, command]) =>
      command === null
        ? { contains: [seen], text: 'Done.' }
        : { contains: [seen], tool_calls: [{ name, input: input(command) }] },
    ),
  );
  const test = await openTestCompany({ flags: { ...flags, review: 'rules' }, installation: installed.folder });
  onTestFinished(() => test.dispose());
  mkdirSync(join(test.home.root, 'agents'));
  writeFileSync(join(test.home.root, 'agents/brief.yaml'), `role: worker\nruntime: ${runtime}\nmax_turns: 2\n`);
  const plan = planSchema.parse({
    title: 'Greet',
    tasks: [{ id: 'greet', title: 'Greet the world', instructions: 'In a file.', agent: 'brief', timeout: 120 }],
  });
  const { runId } = unwrap(await test.company.submit({ projectId: 'app', instruction: 'Greet', plan }));
  const driven = test.company.drive({ runs: [runId], signal: AbortSignal.timeout(150_000) }).then(unwrap);
  return { ...test, runId, driven };
}

async function published({
  company,
  repository,
  runId,
  driven,
}: Working): Promise<RunView & { readonly text: string }> {
  await driven;
  const run = unwrap(await company.showRun(runId));
  expect([run.error, run.state, run.task_list[0]?.state]).toEqual([null, 'published', 'merged']);
  return { ...run, text: git(repository, 'show', `${run.pull_request?.branch ?? ''}:hello.txt`) };
}

/** The changes that the host holds of the task's first round; empty: none. */
function workLeft({ home, runId }: Working): string {
  const folder = join(home.runsFolder, runId, 'checkpoints', 'greet');
  const [name] = readdirSync(folder);
  const { patch } = JSON.parse(readFileSync(join(folder, name ?? ''), 'utf8')) as { readonly patch: string };
  return Buffer.from(patch, 'base64').toString();
}

describe('a code agent that did not come to its end', () => {
  it.each(runtimes)(
    'C27 %s has as many answers as its definition says; its work is kept, and the next attempt goes on with it',
    async (runtime) => {
      const test = await work(runtime, [
        ['all three are there', null],
        [
          goOn,
          'grep -q one hello.txt && grep -q two hello.txt && echo three >> hello.txt && echo all three are "there"',
        ],
        ['two is there', null],
        ['one is there', 'echo two >> hello.txt; echo two is "there"'],
        ['Greet the world', 'echo one > hello.txt; echo one is "there"'],
      ]);
      const run = await published(test);
      expect(run.text).toBe('one\ntwo\nthree');
      const [first, second, ...others] = run.task_list[0]?.attempts ?? [];
      expect([first?.state, first?.error?.code]).toEqual(['rejected', 'AC_WORK_PARTIAL']);
      expect(first?.error?.message).toContain('after 2 answers');
      expect([second?.state, others]).toEqual(['ingested', []]);
      // opencode has its model make a title besides, which is no turn.
      const titles = runtime === 'opencode' ? 1 : 0;
      for (const attempt of [first, second]) {
        expect(attempt?.cost?.calls).toBeGreaterThanOrEqual(2);
        expect(attempt?.cost?.calls).toBeLessThanOrEqual(2 + titles);
      }
    },
    200_000,
  );

  it.each(runtimes)(
    'C29 %s finds its work in place after kill -9 of its container',
    async (runtime) => {
      const test = await work(runtime, [
        ['both are there', null],
        [goOn, 'grep -q one hello.txt && echo two >> hello.txt && echo both are "there"'],
        ['one is there', 'sleep 90'],
        ['Greet the world', 'echo one > hello.txt; echo one is "there"'],
      ]);
      await vi.waitFor(() => expect(workLeft(test)).toContain('+one'), { timeout: 60_000, interval: 50 });
      const filters = { label: [`agentcompany.run=${test.runId}`] };
      const containers = await docker.listContainers({ filters });
      expect(containers).toHaveLength(1);
      for (const { Id } of containers) await docker.getContainer(Id).kill({ signal: 'SIGKILL' });
      const run = await published(test);
      expect(run.text).toBe('one\ntwo');
      const attempts = run.task_list[0]?.attempts ?? [];
      expect(attempts).toHaveLength(2);
      expect(attempts[0]?.error).not.toBeNull();
      expect(attempts[1]?.state).toBe('ingested');
    },
    200_000,
  );
});
