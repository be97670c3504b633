import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { agentDefinition, type AgentDefinition, type AgentOrder } from '@agentcompany/protocol';
import { onTestFinished } from 'vitest';
import { commandEnvironment } from '../command-environment.ts';
import type { DoorClient } from '../door-client.ts';
import { workerPaths } from '../paths.ts';
import type { Surroundings, TaskOrder } from '../work.ts';

export interface WorkingCopy {
  readonly order: TaskOrder;
  readonly folder: string;
  readonly progress: string[];
  around(door: DoorClient): Surroundings;
}

/** A repository with one commit as a worker finds it, in a temporary folder. */
export function workingCopy(
  files: Readonly<Record<string, string | Buffer>>,
  changes: Partial<TaskOrder> = {},
): WorkingCopy {
  const workspace = mkdtempSync(join(tmpdir(), 'agentcompany-agent-'));
  onTestFinished(() => rmSync(workspace, { recursive: true, force: true }));
  const paths = workerPaths(workspace);
  for (const folder of [paths.repository, paths.home, paths.task]) mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(paths.repository, name)), { recursive: true });
    writeFileSync(join(paths.repository, name), content);
  }
  const environment = commandEnvironment(paths, { PATH: process.env['PATH'] }, '/opt/worker');
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { cwd: paths.repository, env: environment, encoding: 'utf8' }).trim();
  git('init', '--quiet', '--initial-branch=work', '.');
  git('add', '--all');
  git('commit', '--quiet', '--allow-empty', '--message', 'base');
  const order: TaskOrder = {
    kind: 'task',
    mirror: '/mirror.git',
    base_oid: git('rev-parse', 'HEAD'),
    command_timeout: 20,
    verify: [],
    attempt_id: 'an-attempt',
    title: 'Change something',
    instructions: 'as the title says',
    run: null,
    agent: null,
    allow_empty: false,
    feedback: null,
    result_ref: 'refs/x',
    ...changes,
  };
  const progress: string[] = [];
  const place = { folder: paths.repository, environment, onOutput: () => undefined };
  const around = (door: DoorClient): Surroundings => ({
    paths,
    place,
    door,
    endStrays: () => undefined,
    progress: (message) => void progress.push(message),
  });
  return { order, folder: paths.repository, progress, around };
}

/** An agent as an order names it. */
export function agentOf(definition: Partial<AgentDefinition> = {}, resume = false): AgentOrder {
  const whole = agentDefinition.parse({ name: 'tester', role: 'worker', ...definition });
  return { definition: whole, agent_timeout: 60, model: 'a-model', acceptance: [], paths: [], resume };
}
