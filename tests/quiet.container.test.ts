import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { planSchema, unwrap, type Plan } from '@agentcompany/protocol';
import Docker from 'dockerode';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RunView } from '../orchestrator/src/company/view.ts';
import { engineSocket } from '../orchestrator/src/containers/dod/engine-address.ts';
import { addProject } from '../orchestrator/src/projects.ts';
import { git, installation, openTestCompany, planOf, type TestCompany } from './support/open-test-company.ts';
import { scriptedCompany } from './support/scripted-replies.ts';

const docker = new Docker({ socketPath: unwrap(engineSocket(process.env['DOCKER_HOST'] ?? null)) });
const worker = (JSON.parse(readFileSync(join(installation, '.cache', 'worker-image.json'), 'utf8')) as { id: string })
  .id;
/** A container starts well within this, however busy the machine is. */
const quiet = { quiet_seconds: 4, max_attempts: 2, max_triages: 0 };

/** An image whose code agent never says a word and never ends. */
async function silentAgentImage(): Promise<string> {
  const reference = `agentcompany-test-${randomUUID()}:silent`;
  const recipe = [
    `FROM ${worker}`,
    'USER 0',
    `RUN mkdir -p /opt/agents/bin && printf '#!/bin/sh\\nexec sleep 1000\\n' > /opt/agents/bin/codex && chmod 755 /opt/agents/bin/codex`,
  ];
  const pack = 'folder=$(mktemp -d) && cat > "$folder/Dockerfile" && tar -C "$folder" -c Dockerfile && rm -r "$folder"';
  const context = execFileSync('bash', ['-c', pack], { input: recipe.join('\n') });
  const progress = await docker.buildImage(Readable.from([context]), { t: reference, networkmode: 'none' });
  await new Promise((resolve) => docker.modem.followProgress(progress, resolve));
  onTestFinished(async () => void (await docker.getImage(reference).remove({ force: true })));
  return reference;
}

async function carryOut({ company }: TestCompany, plan: Plan): Promise<RunView> {
  const { runId } = unwrap(await company.submit({ projectId: 'app', instruction: 'Go.', plan, settings: quiet }));
  unwrap(await company.drive({ runs: [runId], signal: AbortSignal.timeout(100_000) }));
  return unwrap(await company.showRun(runId));
}

/** Questions about each attempt that was asked about, and whether its host answered all of them. */
async function asked(
  { company }: TestCompany,
  { run_id: runId }: RunView,
): Promise<readonly { readonly questions: number; readonly allAnswered: boolean }[]> {
  const numbers = { status_request: new Map<string, number>(), status_response: new Map<string, number>() };
  const all = { after: 0, follow: false, signal: AbortSignal.timeout(10_000) };
  for await (const { envelope } of company.timeline(runId, all)) {
    const { envelope_type: type, payload } = envelope;
    if (type === 'status_request' || type === 'status_response')
      numbers[type].set(String(payload['attempt_id']), Number(payload['number']));
  }
  return [...numbers.status_request].map(([attempt, questions]) => ({
    questions,
    allAnswered: numbers.status_response.get(attempt) === questions,
  }));
}

async function containersOf({ run_id: runId }: RunView): Promise<readonly string[]> {
  const all = await docker.listContainers({ all: true, filters: { label: [`agentcompany.run=${runId}`] } });
  return all.map(({ Id }) => Id);
}

describe('a worker in a real container that stands still', () => {
  it('is asked, given up and tried again, and then a person is asked, where its agent never says a word', async () => {
    const image = await silentAgentImage();
    const { flags } = scriptedCompany([]);
    const test = await openTestCompany({ flags: { ...flags, review: 'rules' } });
    onTestFinished(() => test.dispose());
    unwrap(addProject(test.home, { id: 'silent', path: test.repository, image, cwd: test.folder }));
    const plan = planSchema.parse({
      title: 'Wait',
      tasks: [{ id: 'wait', title: 'Wait', instructions: 'Say something.', agent: 'codex' }],
    });
    const request = { projectId: 'silent', instruction: 'Go.', plan, settings: quiet };
    const { runId } = unwrap(await test.company.submit(request));
    unwrap(await test.company.drive({ runs: [runId], signal: AbortSignal.timeout(100_000) }));
    const run = unwrap(await test.company.showRun(runId));
    const [task] = run.task_list;
    expect([run.state, task?.state]).toEqual(['needs_attention', 'awaiting_person']);
    expect(task?.attempts.map(({ state, error }) => [state, error?.code])).toEqual([
      ['rejected', 'AC_WORKER_QUIET'],
      ['rejected', 'AC_WORKER_QUIET'],
    ]);
    expect(task?.attempts[0]?.error?.message).toContain('working');
    // Two answers that tell of the same step end an attempt.
    const questions = await asked(test, run);
    expect(questions).toHaveLength(2);
    for (const { questions: count, allAnswered } of questions) {
      expect(count).toBeGreaterThanOrEqual(2);
      expect(allAnswered).toBe(true);
    }
    expect(await containersOf(run)).toEqual([]);
  });

  it('is given up where all of it is stopped, and the next attempt does the work', async () => {
    const test = await openTestCompany();
    onTestFinished(() => test.dispose());
    // The first attempt stops the very process that holds the door.
    const command =
      'if test -n "$AGENTCOMPANY_FEEDBACK"; then echo awake > state.txt; else kill -STOP $PPID; sleep 60; fi';
    const run = await carryOut(test, planOf([{ id: 'wait', run: { command }, timeout: 3 }]));
    expect([run.state, run.error]).toEqual(['published', null]);
    expect(run.task_list[0]?.attempts.map(({ state, error }) => [state, error?.code])).toEqual([
      ['rejected', 'AC_WORKER_QUIET'],
      ['ingested', undefined],
    ]);
    const [first] = await asked(test, run);
    expect(first?.questions).toBeGreaterThanOrEqual(2);
    expect(first?.allAnswered).toBe(true);
    expect(git(test.repository, 'show', `${run.pull_request?.branch ?? ''}:state.txt`)).toBe('awake');
    expect(await containersOf(run)).toEqual([]);
  });
});
