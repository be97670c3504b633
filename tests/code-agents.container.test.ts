import { agentDefinition, planSchema, success, unwrap, type AgentOrder } from '@agentcompany/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WorkerFixture, type Finished } from '../orchestrator/src/containers/testing/worker-fixture.ts';
import { noServices, type AttemptModels, type HostTools } from '../orchestrator/src/door/attempt-services.ts';
import { listImages } from '../orchestrator/src/facade/images/index.ts';
import { modelErrors } from '../orchestrator/src/models/errors.ts';
import { imageWithAgent } from '../orchestrator/src/open-agents-image.ts';
import { openAgentsInstallation, type AgentsInstallation } from './support/agents-installation.ts';
import { environmentOfEngine, git, openTestCompany } from './support/open-test-company.ts';
import { scriptedModels } from './support/scripted-models.ts';
import { repliesFile } from './support/scripted-replies.ts';

const runtimes = ['claude-code', 'codex', 'opencode', 'gemini-cli'] as const;
type Runtime = (typeof runtimes)[number];
const change =
  'git log --oneline | grep -q base && echo hello > hello.txt && git add -A && git commit -qm "feat: hello"';
const mebibyte = 1_048_576;
/** What an ordinary worker of a run has. */
const limits = {
  memoryBytes: 2048 * mebibyte,
  pids: 256,
  cpus: 2,
  workspaceBytes: 1024 * mebibyte,
  temporaryBytes: 256 * mebibyte,
};

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

function agentOrder(runtime: Runtime, seconds = 150): AgentOrder {
  const definition = agentDefinition.parse({ name: runtime, role: 'worker', runtime });
  const model = 'a-model-nobody-knows';
  return { definition, agent_timeout: seconds, model, acceptance: ['hello.txt exists'], paths: [], resume: false };
}

interface Work {
  readonly tools?: HostTools | null;
  readonly instructions?: string;
  readonly seconds?: number;
  readonly image?: string;
}

/** One attempt of a code agent in a sealed container, its image chosen as a company chooses it. */
async function work(
  runtime: Runtime,
  models: AttemptModels,
  { instructions, seconds = 150, image, tools = null }: Work = {},
): Promise<Finished> {
  const { id: base } = unwrap(await fixture.engine.imageInspect(fixture.image));
  const order = fixture.order({
    run: null,
    agent: agentOrder(runtime, seconds),
    ...(instructions === undefined ? {} : { instructions }),
  });
  return fixture.finish(
    order,
    { limits, services: { ...noServices, models, tools }, image: image ?? null },
    { imageWithAgent: (agent) => imageWithAgent(installed.folder, base, agent) },
  );
}

/** One tool on the host's side, and what it was asked. */
function hostTools(): { readonly tools: HostTools; readonly asked: readonly unknown[] } {
  const asked: unknown[] = [];
  const parameters = { type: 'object', properties: { words: { type: 'string' } }, required: ['words'] };
  const tools: HostTools = {
    list: async () => success([{ name: 'tell_the_host', description: 'Tells the host something.', parameters }]),
    call: async (name, input) => {
      asked.push([name, input]);
      return success('the host has heard it');
    },
  };
  return { tools, asked };
}

/** git in the mirror with a result fetched as branch `result`. */
async function fetched(bundle: string): Promise<(...args: readonly string[]) => Promise<string>> {
  const mirror = (...args: readonly string[]) => fixture.git('--git-dir', 'mirror.git', ...args);
  await mirror('fetch', '--quiet', bundle, '+refs/agentcompany/result:refs/heads/result');
  return mirror;
}

const errorOf = ({ result }: Finished) => (result.ok ? result.value.report.error : result.error);

describe('a code agent in a sealed worker', () => {
  it.each(runtimes)(
    '%s changes the repository with a model and tools behind the door, and its commit comes out',
    async (runtime) => {
      const { tools, asked } = hostTools();
      const models = scriptedModels({ tool: 'tell_the_host', input: { words: 'I begin' } }, change);
      const finished = await work(runtime, models, { tools });
      const { report } = unwrap(finished.result);
      expect([report.error, report.agent?.command, report.agent?.exit_code]).toEqual([null, runtime, 0]);
      expect(report.agent?.output).toContain('Done: everything is committed.');
      expect(asked).toEqual([['tell_the_host', { words: 'I begin' }]]);
      expect(JSON.stringify(models.requests.at(-1)?.messages)).toContain('the host has heard it');
      const result = await fetched(finished.bundleFile);
      expect(await result('show', 'result:hello.txt')).toBe('hello');
      expect(await result('log', '-1', '--format=%s', 'result')).toBe('feat: hello');
      // Of progress only the latest is passed on; the log has every tool.
      expect(finished.log).toContain(`worker: ${runtime}: `);
    },
    200_000,
  );

  it('image list says which agents there are, and that their image is ready', async () => {
    const images = unwrap(
      await listImages({
        config: { container_runtime: 'dod', allow_dind: false, oci_runtime: 'runc', accept_no_limits: false },
        installation: installed.folder,
        environment: environmentOfEngine(),
      }),
    );
    // This machine may have images of other checkouts and earlier versions.
    const ready = images.filter(({ state }) => state === 'ready');
    expect(ready.map(({ purpose }) => purpose)).toEqual(['worker', 'agents']);
    expect(Object.keys(ready[1]?.agents ?? {})).toEqual([...runtimes]);
  });
});

describe('an agent that is not there', () => {
  it('is told by the company, with the command that brings it, before any container is made', async () => {
    const order = fixture.order({ run: null, agent: agentOrder('codex') });
    const { result, containers } = await fixture.finish(order, {
      services: { ...noServices, models: scriptedModels(change) },
    });
    expect(result).toMatchObject({ ok: false, error: { code: 'AC_AGENT_ABSENT' } });
    expect(result.ok ? '' : result.error.remedy).toContain('agentcompany image build --agent codex');
    expect(containers).toEqual([]);
  });

  it('is told by the worker where a project names an image of its own', async () => {
    const finished = await work('codex', scriptedModels(change), { image: fixture.image });
    expect(errorOf(finished)).toMatchObject({ code: 'AC_AGENT_ABSENT' });
  });
});

describe('what is known of code agents', () => {
  it('trap a: Codex says it is done and changed nothing; git says so', async () => {
    const finished = await work('codex', scriptedModels('true'));
    expect(errorOf(finished)?.code).toBe('AC_WORK_EMPTY');
    expect(unwrap(finished.result).report.agent).toMatchObject({
      exit_code: 0,
      output: expect.stringContaining('Done'),
    });
  });

  it('trap b: Claude Code ends with "success" without having called a tool; git says otherwise', async () => {
    const finished = await work('claude-code', scriptedModels());
    expect(errorOf(finished)?.code).toBe('AC_WORK_EMPTY');
    expect(unwrap(finished.result).report.agent).toMatchObject({
      exit_code: 0,
      output: expect.stringContaining('Done'),
    });
  });

  it('trap c and d: what agents say of tokens and money reaches nobody; the model behind the door sees every request', async () => {
    const models = scriptedModels(change);
    const finished = await work('claude-code', models);
    const told = JSON.stringify([finished.result, finished.progress, finished.log]);
    expect(told).not.toMatch(/total_cost_usd|input_tokens|cost_usd/);
    expect(models.requests).toHaveLength(2);
  });

  it('trap e: no agent waits for more input, and a task longer than a command line may be arrives whole', async () => {
    const instructions = `${'ß'.repeat(65_000)} the very end`;
    for (const runtime of ['claude-code', 'codex'] as const) {
      const models = scriptedModels(change);
      expect(errorOf(await work(runtime, models, { instructions }))).toBeNull();
      expect(JSON.stringify(models.requests[0]?.messages)).toContain(instructions);
    }
  }, 60_000);

  it('trap f: git trusts the repository although its objects belong to another user', async () => {
    const asked =
      'test "$(stat -c %u /mirror.git)" != "$(id -u)" && git status --short && git log -1 --format=%H >found.txt';
    const finished = await work('codex', scriptedModels(asked));
    expect(errorOf(finished)).toBeNull();
  });
});

describe('an agent whose model gives out', () => {
  it.each(['claude-code', 'codex', 'gemini-cli'] as const)(
    '%s stops, and the report names why',
    async (runtime) => {
      const spent = modelErrors.AC_MODEL_REQUEST_REFUSED({ provider: 'scripted', model: 'm' }, 'no');
      const models: AttemptModels = {
        ...scriptedModels(),
        async *stream() {
          yield { type: 'failed', error: spent, retryAfterMs: null };
        },
      };
      const finished = await work(runtime, models);
      expect(errorOf(finished)?.code).toBe('AC_WORK_FAILED');
      expect(errorOf(finished)?.cause).toContain('AC_MODEL_REQUEST_REFUSED');
    },
    90_000,
  );

  it.each(['claude-code', 'opencode'] as const)(
    '%s is stopped when its time is up, and what it started with it',
    async (runtime) => {
      const models: AttemptModels = {
        ...scriptedModels(),
        async *stream(_request, signal) {
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          yield { type: 'end', stop: 'finished' };
        },
      };
      const finished = await work(runtime, models, { seconds: 8 });
      expect(errorOf(finished)?.code).toBe('AC_WORK_TIMEOUT');
    },
    60_000,
  );
});

/** Replies for an agent whose shell is called `shell`: one command, then the end. */
function openReplies(shell: string, input: unknown): string {
  const done = { contains: ['the world is greeted'], text: 'Done.' };
  const usage = { input: 900, output: 30 };
  const first = { contains: ['Greet the world'], tool_calls: [{ name: shell, input }], usage };
  return repliesFile([done, first]);
}

const greeting = 'echo hello > hello.txt && echo the world "is greeted"';

describe('a run with code agents', () => {
  it.each([
    ['claude-code', 'Bash', { command: greeting, description: 'greet' }],
    ['codex', 'exec_command', { cmd: greeting }],
  ])(
    'a task of %s is merged and published',
    async (agent, shell, input) => {
      const file = openReplies(shell, input);
      const flags = { ai_adapter: 'scripted', model: 'writer', review: 'rules', models: { scripted: { file } } };
      const test = await openTestCompany({ flags, installation: installed.folder });
      try {
        const plan = planSchema.parse({
          title: 'Greet',
          verify: ['test -f hello.txt'],
          tasks: [
            {
              id: 'greet',
              title: 'Greet the world',
              instructions: 'In a file.',
              agent,
              verify: ['grep -q hello hello.txt'],
            },
          ],
        });
        const { runId } = unwrap(await test.company.submit({ projectId: 'app', instruction: 'Greet', plan }));
        unwrap(await test.company.drive({ runs: [runId], signal: AbortSignal.timeout(150_000) }));
        const run = unwrap(await test.company.showRun(runId));
        expect([run.error, run.state, run.task_list[0]?.state]).toEqual([null, 'published', 'merged']);
        expect(git(test.repository, 'show', `${run.pull_request?.branch ?? ''}:hello.txt`)).toBe('hello');
      } finally {
        await test.dispose();
      }
    },
    200_000,
  );
});
