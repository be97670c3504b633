import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { homeAt, instanceId } from '../orchestrator/src/company-home.ts';
import { openDockerEngine } from '../orchestrator/src/containers/dod/open-engine.ts';
import { demoRoot } from './support/demo-package.ts';
import { environmentOfEngine, git, installation } from './support/open-test-company.ts';

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Started {
  readonly ended: Promise<Ended>;
  /** Resolves once standard output holds `text`, or the process has ended. */
  says(text: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** The program itself, as a person starts it. */
function start(root: string, ...args: string[]): Started {
  const program = join(installation, 'tools', 'cli', 'src', 'main.ts');
  const child = spawn(process.execPath, ['--conditions=development', program, '--home', root, ...args], { cwd: root });
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    for (const listener of listeners) listener();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
  const says = (text: string): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const listener = (): void => (stdout.includes(text) ? resolve() : undefined);
    listeners.add(listener);
    listener();
    return Promise.race([promise, ended.then(() => undefined)]);
  };
  return { ended, says, kill: (signal) => void child.kill(signal) };
}

interface Summary {
  readonly tasks: number;
  readonly attempts: number;
  readonly conflicts: number;
  readonly sent_back: number;
  readonly repository: string;
  readonly integrity: string;
  readonly run: {
    readonly run_id: string;
    readonly state: string;
    readonly cost: { readonly calls: number };
    readonly pull_request: { readonly number: number; readonly branch: string };
    readonly task_list: readonly {
      readonly task_id: string;
      readonly superseded_by: string | null;
      readonly attempts: readonly { readonly slot: string }[];
    }[];
  };
  readonly timeline: readonly { readonly ms: number; readonly task: string | null; readonly event: string }[];
  readonly diffstat: string;
  readonly commands: readonly string[];
}

async function demo(root: string, ...args: string[]): Promise<Summary> {
  const { code, stdout, stderr } = await start(root, '--json', 'demo', ...args).ended;
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Summary;
}

async function containersOf(root: string): Promise<number> {
  const engine = unwrap(openDockerEngine({ dockerHost: environmentOfEngine()['DOCKER_HOST'] ?? null }));
  return unwrap(await engine.list(unwrap(instanceId(homeAt(join(root, 'runtime', 'demo', 'home')))))).length;
}

/** Resolves once the demo has a container, or has ended. */
async function hasContainer(root: string, ended: Promise<unknown>): Promise<void> {
  const over = ended.then(() => 'over' as const);
  for (;;) {
    const seen = await Promise.race([containersOf(root), over]);
    if (seen !== 0) return;
  }
}

const attemptsOf = (summary: Summary, task: string): number =>
  summary.run.task_list.find(({ task_id: id }) => id === task)?.attempts.length ?? 0;

/** What holds of every finished demo. */
async function expectWhole(root: string, summary: Summary): Promise<void> {
  const { run, repository, timeline } = summary;
  expect(run.state).toBe('published');
  expect(summary.tasks).toBeGreaterThanOrEqual(5);
  expect(new Set(run.task_list.flatMap((task) => task.attempts.map(({ slot }) => slot))).size).toBe(3);

  // One of the two README tasks conflicted, and one successor carried its intent onto the merged tip.
  const superseded = run.task_list.filter((task) => task.superseded_by !== null);
  expect(superseded.map(({ task_id: id }) => id)).toEqual([expect.stringMatching(/^(contents|doc-link)$/)]);
  expect(timeline.filter(({ event }) => event.startsWith('conflict in ')).map(({ task }) => task)).toEqual([
    superseded[0]?.task_id,
  ]);
  const readme =
    git(repository, 'ls-tree', '--name-only', run.pull_request.branch)
      .split('\n')
      .find((name) => /^readme/i.test(name)) ?? '';
  const text = git(repository, 'show', `${run.pull_request.branch}:${readme}`);
  expect([text.includes('<!-- contents -->'), text.includes('<!-- documentation -->')]).toEqual([true, true]);

  expect(git(repository, 'for-each-ref', '--format=%(refname:short)', 'refs/heads').split('\n')).toEqual([
    run.pull_request.branch,
    'main',
  ]);
  expect(git(repository, 'rev-list', '--count', 'main')).toBe('1');
  expect(git(repository, 'log', '-1', '--format=%b', 'main')).toBe(summary.integrity);
  expect(summary.diffstat).toContain('test/smoke.test.mjs');
  expect(timeline.at(-1)?.event).toBe('run is published');
  expect(await containersOf(root)).toBe(0);
}

describe('the demo', { timeout: 180_000 }, () => {
  it('takes CommonJS from instruction to pull request, one round spent on the mistake; a second demo starts afresh without it', async () => {
    const { root, dispose } = demoRoot();
    try {
      const first = await demo(root, '--package', 'ms@2.1.3');
      await expectWhole(root, first);
      expect(first).toMatchObject({ conflicts: 1, sent_back: 1, attempts: first.tasks + 2 });
      expect(attemptsOf(first, 'smoke-test')).toBe(2);
      const red = first.timeline.filter(({ event }) => event.startsWith('check red'));
      expect(red).toMatchObject([{ task: 'smoke-test', event: "check red: no export named 'version'" }]);

      const published = git(first.repository, 'rev-parse', 'main');
      const second = await demo(root, '--package', 'ms@2.1.3', '--no-flaw');
      await expectWhole(root, second);
      expect(second).toMatchObject({ conflicts: 1, sent_back: 0, attempts: second.tasks + 1 });
      expect(attemptsOf(second, 'smoke-test')).toBe(1);
      expect(readdirSync(homeAt(join(root, 'runtime', 'demo', 'home')).runsFolder)).toEqual([second.run.run_id]);
      expect(second.run.pull_request.number).toBe(1);
      expect(git(second.repository, 'rev-parse', 'main')).toBe(published);
    } finally {
      dispose();
    }
  });

  it('with minds lets a scripted model plan, work and review through the real gateway', async () => {
    const { root, dispose } = demoRoot();
    try {
      const summary = await demo(root, '--package', 'ms@2.1.3', '--minds');
      await expectWhole(root, summary);
      const said = (task: string): readonly string[] =>
        summary.timeline.filter((entry) => entry.task === task).map(({ event }) => event);
      expect(summary.timeline.map(({ event }) => event)).toContain('plan of 9 tasks by the Manager’s model');
      // The first page fails its own check, the second does not convince the reviewer: both go back once.
      expect(said('contributing')).toEqual([
        'container starts',
        'check red: it does not say how the tests are run',
        'sent back with what the check said',
        'container starts, round 2',
        'delivered, its checks are green',
        'review by a model: approve',
        'merged',
      ]);
      expect(said('security-policy').filter((event) => event.startsWith('review'))).toEqual([
        'review by a model: request changes',
        'review by a model: approve',
      ]);
      const { branch } = summary.run.pull_request;
      expect(git(summary.repository, 'show', `${branch}:CONTRIBUTING.md`)).toContain('`node --test`');
      expect(git(summary.repository, 'show', `${branch}:SECURITY.md`)).toContain('gets mended');
      // Planning, five answers for each page, three reviews.
      expect(summary.run.cost.calls).toBe(14);
    } finally {
      dispose();
    }
  });

  it.each(['nanoid@5.1.6', 'kleur@4.1.5'])('takes ES modules too: %s', async (id) => {
    const { root, dispose } = demoRoot();
    try {
      const summary = await demo(root, '--package', id);
      await expectWhole(root, summary);
      expect(summary).toMatchObject({ conflicts: 1, sent_back: 1 });
    } finally {
      dispose();
    }
  });

  it('prints a timeline of at most 80 columns, the diffstat, and commands that work as printed', async () => {
    const { root, dispose } = demoRoot();
    try {
      const { code, stdout, stderr } = await start(root, 'demo', '--package', 'ms@2.1.3').ended;
      expect(code, stderr).toBe(0);
      const lines = stdout.split('\n');
      const timeline = lines.filter((line) => /^ *\+\d+\.\ds {2}/.test(line));
      expect(timeline.length).toBeGreaterThan(20);
      expect(Math.max(...timeline.map((line) => [...line].length))).toBeLessThanOrEqual(80);
      expect(lines.some((line) => line.startsWith(' 6 files changed, '))).toBe(true);
      expect(stderr).not.toContain('conflict');

      const commands = lines
        .slice(lines.indexOf('Where to look') + 1)
        .map((line) => line.trim())
        .filter((line) => line !== '');
      expect(commands).toHaveLength(5);
      for (const command of commands.filter((line) => line.startsWith('git '))) {
        const [, , folder = '', ...args] = command.split(' ');
        expect(git(join(root, folder), ...args)).not.toBe('');
      }
      for (const command of commands.filter((line) => line.startsWith('node '))) {
        const [, program = '', cli, option, home = '', ...args] = command.split(' ');
        expect([existsSync(join(root, program)), cli, option]).toEqual([true, 'cli', '--home']);
        const ended = await start(join(root, home), ...args).ended;
        expect(ended.code, `${command}: ${ended.stderr}`).toBe(0);
      }
      expect(git(join(root, 'runtime', 'demo', 'repository'), 'rev-list', '--count', '--merges', 'main')).not.toBe('0');
    } finally {
      dispose();
    }
  });
});

describe('an interrupted demo', { timeout: 180_000 }, () => {
  it.each([{ signals: ['SIGINT', 'SIGINT'] }, { signals: ['SIGTERM'] }] as const)(
    'ends at $signals with 130 and leaves no container; the run can go on',
    async ({ signals }) => {
      const { root, dispose } = demoRoot();
      try {
        const started = start(root, 'demo', '--package', 'ms@2.1.3');
        await started.says('container starts');
        await hasContainer(root, started.ended);
        for (const signal of signals) started.kill(signal);
        const { code, stdout, stderr } = await started.ended;
        expect(code, stderr).toBe(130);
        expect(stderr).toContain('AC_DEMO_INTERRUPTED');
        expect(stdout).not.toContain('published');
        expect(await containersOf(root)).toBe(0);

        const resumed = await start(join(root, 'runtime', 'demo', 'home'), 'resume').ended;
        expect(resumed.code, resumed.stderr).toBe(0);
        expect(resumed.stdout).toContain('published');
        expect(await containersOf(root)).toBe(0);
      } finally {
        dispose();
      }
    },
  );
});

describe('a killed demo', { timeout: 180_000 }, () => {
  it('leaves the next one to begin afresh and to remove its containers', async () => {
    const { root, dispose } = demoRoot();
    try {
      const killed = start(root, 'demo', '--package', 'ms@2.1.3');
      await killed.says('container starts');
      await hasContainer(root, killed.ended);
      const marker = readFileSync(join(root, 'runtime', 'demo', 'made-by-the-agentcompany-demo.json'), 'utf8');
      killed.kill('SIGKILL');
      await killed.ended;
      await expectWhole(root, await demo(root, '--package', 'ms@2.1.3', '--no-flaw'));
      expect(readFileSync(join(root, 'runtime', 'demo', 'made-by-the-agentcompany-demo.json'), 'utf8')).toBe(marker);
    } finally {
      dispose();
    }
  });
});

describe('a demo that cannot begin', () => {
  it('names what is wrong and touches nothing', async () => {
    const { root, dispose } = demoRoot();
    try {
      const misspelt = await start(root, '--json', 'demo', '--package', 'ms@latest').ended;
      expect([misspelt.code, JSON.parse(misspelt.stderr)]).toMatchObject([
        2,
        { error: { code: 'AC_DEMO_PACKAGE_NAME' } },
      ]);
      expect(existsSync(join(root, 'runtime'))).toBe(false);
      const dependent = await start(root, 'demo', '--package', 'debug@4.4.1').ended;
      expect([dependent.code, dependent.stderr]).toEqual([1, expect.stringContaining('AC_DEMO_PACKAGE_UNSUITABLE')]);
    } finally {
      dispose();
    }
  });
});
