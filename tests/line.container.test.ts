import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { busAdapters } from '@agentcompany/agent-bus';
import { unwrap } from '@agentcompany/protocol';
import { loadConfig } from '../orchestrator/src/config.ts';
import { engineLogFile } from '../orchestrator/src/engine/file-log.ts';
import { openCompany } from '../orchestrator/src/open-company.ts';
import type { Company } from '../orchestrator/src/company-facade.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  environmentOfEngine,
  git,
  installation,
  openTestCompany,
  planOf,
  type TestCompany,
} from './support/open-test-company.ts';
import { until } from './support/until.ts';

let test: TestCompany;

async function submit(
  plan: Parameters<Company['submit']>[0]['plan'],
  settings?: Parameters<Company['submit']>[0]['settings'],
): Promise<string> {
  const request = {
    projectId: 'app',
    instruction: 'Do what the plan says',
    plan,
    ...(settings === undefined ? {} : { settings }),
  };
  return unwrap(await test.company.submit(request)).runId;
}

const drive = async (runId: string, signal = AbortSignal.timeout(90_000)): Promise<void> =>
  unwrap(await test.company.drive({ runs: [runId], signal }));

/** The company as a second terminal opens it. */
async function secondTerminal(): Promise<Company> {
  const { config } = unwrap(loadConfig({ home: test.home, environment: {} }));
  return unwrap(await openCompany(test.home, { config, environment: environmentOfEngine(), installation }));
}

async function entries(
  runId: string,
): Promise<{ type: string; task: string | undefined; payload: Record<string, unknown> }[]> {
  const all = [];
  for await (const { envelope } of test.company.timeline(runId, {
    after: 0,
    follow: false,
    signal: AbortSignal.timeout(5000),
  })) {
    all.push({ type: envelope.envelope_type, task: envelope.context.task_id, payload: envelope.payload });
  }
  return all;
}

describe.each(busAdapters)('on the %s bus:', (adapter) => {
  beforeEach(async () => {
    test = await openTestCompany({ adapter, flags: { max_workers: 3 } });
  });
  afterEach(() => test.dispose());

  describe('one instruction in, one pull request out', () => {
    it('C23 C30 C33 runs a plan with dependencies and a conflict to one pull request', async () => {
      const plan = planOf(
        [
          { id: 'one', run: { command: 'echo one > one.txt' }, verify: ['test -f one.txt'] },
          { id: 'two', run: { command: 'echo two > two.txt' }, depends_on: ['one'], verify: ['test -f one.txt'] },
          { id: 'left', run: { command: 'echo left >> README.md' } },
          { id: 'right', run: { command: 'echo right >> README.md' } },
          { id: 'last', run: { command: 'cat README.md > last.txt' }, depends_on: ['left', 'right'] },
        ],
        { title: 'Write, and join', verify: ['grep -q left README.md && grep -q right README.md && test -f two.txt'] },
      );
      const runId = await submit(plan);
      await drive(runId);
      const run = unwrap(await test.company.showRun(runId));
      expect(run.error).toBeNull();
      expect(run.state).toBe('published');
      const requests = unwrap(await test.company.listPullRequests('app'));
      expect(requests).toHaveLength(1);
      expect(requests[0]?.title).toBe('[AgentCompany] Write, and join');
      expect(requests[0]?.body).toMatch(/## Summary[\s\S]*## Changes[\s\S]*## Tests[\s\S]*## Tasks/);
      const branch = requests[0]?.branch ?? '';
      expect(git(test.repository, 'show', `${branch}:last.txt`)).toMatch(/left[\s\S]*right|right[\s\S]*left/);
      expect(git(test.repository, 'rev-parse', 'main')).toBe(run.base_oid);

      const ledger = await entries(runId);
      const conflicts = ledger.filter(
        ({ type, payload }) => type === 'merge_complete' && payload['outcome'] === 'conflict',
      );
      expect(conflicts).toHaveLength(1);
      const report = JSON.parse(
        readFileSync(join(test.home.runsFolder, runId, 'execution_result.json'), 'utf8'),
      ) as Record<string, unknown>;
      expect(report).toMatchObject({ run_id: runId, status: 'published', git_branch: branch, errors: [] });
      expect((report['executions'] as unknown[])[0]).toMatchObject({
        run_id: runId,
        ticket_id: expect.stringMatching(/^(one|left|right)$/),
        agent_id: expect.stringMatching(/^worker-\d{3}$/),
        status: 'success',
        start_time: expect.any(String),
        end_time: expect.any(String),
        artifacts: expect.any(Array),
        git_branch: expect.any(String),
        quality_gates: expect.any(Array),
        errors: [],
      });
      expect(readFileSync(join(test.home.runsFolder, runId, 'summary.md'), 'utf8')).toContain('Pull request 1');

      const before = unwrap(await test.company.exportState());
      unwrap(await test.company.rebuildState());
      expect(unwrap(await test.company.exportState())).toBe(before);

      const merged = unwrap(await test.company.mergePullRequest('app', 1));
      expect(merged.state).toBe('merged');
      expect(unwrap(await test.company.showRun(runId)).state).toBe('completed');
      expect(git(test.repository, 'show', 'main:two.txt')).toBe('two');
    });

    it('S39 starts git from a process of its own while it works, which goes when it ends', async () => {
      const runId = await submit(planOf([{ id: 'one', run: { command: 'echo one > one.txt' } }]));
      await drive(runId);
      expect(unwrap(await test.company.showRun(runId)).state).toBe('published');
      const events = readFileSync(engineLogFile(test.home), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { readonly event: string; readonly pid?: number })
        .filter(({ event }) => event.startsWith('program-starter'));
      expect(events).toMatchObject([{ event: 'program-starter-started', readsDescriptors: true }]);
      expect(existsSync(`/proc/${events[0]?.pid}`)).toBe(false);
    });

    it('C14 has never more workers at once than max_workers, and starts the next when one is free', async () => {
      const ids = ['a', 'b', 'c', 'd', 'e'];
      const runId = await submit(
        planOf(ids.map((id) => ({ id, run: { command: `sleep 0.5 && echo ${id} > ${id}.txt` } }))),
      );
      await drive(runId);
      let open = 0;
      let most = 0;
      for (const { type } of await entries(runId)) {
        if (type === 'attempt_started') open += 1;
        if (type === 'task_complete' || type === 'task_failed' || type === 'attempt_lost') open -= 1;
        most = Math.max(most, open);
      }
      expect(most).toBe(3);
      expect(unwrap(await test.company.showRun(runId)).tasks).toEqual({ merged: 5 });
    });

    it('C28 sends a failed verify back with its output, and the next attempt can answer it', async () => {
      const script =
        'if [ -n "$AGENTCOMPANY_FEEDBACK" ]; then grep -q AC_VERIFY_FAILED "$AGENTCOMPANY_FEEDBACK" && echo right > answer.txt; else echo wrong > answer.txt; fi';
      const runId = await submit(
        planOf([{ id: 'answer', run: { script, interpreter: 'sh' }, verify: ['grep -q right answer.txt'] }]),
      );
      await drive(runId);
      const run = unwrap(await test.company.showRun(runId));
      expect(run.state).toBe('published');
      expect(run.task_list[0]?.attempts.map(({ state, error }) => [state, error?.code ?? null])).toEqual([
        ['rejected', 'AC_VERIFY_FAILED'],
        ['ingested', null],
      ]);
    });
  });

  describe('from a second terminal', () => {
    it('C32 approves what the first terminal waits for', async () => {
      const runId = await submit(planOf([{ id: 'one', run: { command: 'echo one > one.txt' } }]), {
        approvals: { plan: 'person', protected_paths: 'person' },
      });
      const driving = drive(runId);
      const second = await secondTerminal();
      await until(second, runId, (type) => type === 'approval_request');
      unwrap(await second.answerApproval(runId, { decision: 'approve', comment: 'go on' }));
      await driving;
      await second.close();
      expect(unwrap(await test.company.showRun(runId)).state).toBe('published');
    });

    it('C32 asks a person before protected paths are merged, and a refusal ends the task', async () => {
      const runId = await submit(
        planOf([
          { id: 'ci', run: { command: 'mkdir -p .github/workflows && echo on: push > .github/workflows/ci.yml' } },
        ]),
      );
      const driving = drive(runId);
      const second = await secondTerminal();
      await until(second, runId, (type) => type === 'approval_request');
      unwrap(await second.answerApproval(runId, { decision: 'reject', comment: 'not in CI' }));
      await driving;
      await second.close();
      const run = unwrap(await test.company.showRun(runId));
      expect(run.state).toBe('needs_attention');
      expect(run.error?.code).toBe('AC_APPROVAL_REFUSED');
    });

    it('C32 cancels a run whose worker is at work, and its container goes', async () => {
      const runId = await submit(
        planOf([{ id: 'slow', run: { command: 'echo begun && sleep 60 && echo done > done.txt' } }]),
      );
      const driving = drive(runId);
      const second = await secondTerminal();
      await until(second, runId, (type, payload) => type === 'task_progress' && payload['message'] !== 'checking out');
      unwrap(await second.cancelRun(runId, 'changed my mind'));
      await driving;
      await second.close();
      const run = unwrap(await test.company.showRun(runId));
      expect(run.state).toBe('cancelled');
      expect(run.task_list.map((task) => task.state)).toEqual(['cancelled']);
    });

    it('one engine per home: a second one is refused by name', async () => {
      const runId = await submit(planOf([{ id: 'one', run: { command: 'sleep 1 && echo one > one.txt' } }]));
      const driving = drive(runId);
      const second = await secondTerminal();
      await until(second, runId, (type) => type === 'attempt_started');
      const refused = await second.drive({ runs: [runId], signal: AbortSignal.timeout(5000) });
      expect(refused.ok ? null : refused.error.code).toBe('AC_ENGINE_RUNNING');
      expect(await second.enginePid()).toBe(process.pid);
      await driving;
      await second.close();
    });

    it('S80 stops when told, leaves no container, and goes on where it stood', async () => {
      const runId = await submit(planOf([{ id: 'one', run: { command: 'sleep 2 && echo one > one.txt' } }]));
      const stop = new AbortController();
      const driving = drive(runId, stop.signal);
      await until(test.company, runId, (type, payload) => type === 'effect_result' && payload['kind'] === 'container');
      stop.abort();
      await driving;
      expect(unwrap(await test.company.showRun(runId)).state).toBe('running');
      await drive(runId);
      const run = unwrap(await test.company.showRun(runId));
      expect(run.state).toBe('published');
      expect(run.task_list[0]?.attempts.map(({ state }) => state)).toEqual(['lost', 'ingested']);
    });
  });
});
