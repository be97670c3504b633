import { writeFile } from 'node:fs/promises';
import {
  failure,
  success,
  type AppError,
  type CommandReport,
  type Result,
  type TaskRun,
  type WorkOrder,
  workerErrors,
} from '@agentcompany/protocol';
import { speaksOfFullDisk } from './git.ts';
import type { WorkerPaths } from './paths.ts';
import { runCommand, type CommandEnd } from './run-command.ts';
import { memoryKills, processRefusals } from './self-report.ts';
import type { Surroundings } from './work.ts';

type TaskOrder = Extract<WorkOrder, { kind: 'task' }>;

interface Invocation {
  readonly program: string;
  readonly args: readonly string[];
  readonly shown: string;
}

/** What a command's report says it was: a script is shown by its interpreter, never whole. */
async function invocation(run: TaskRun, paths: WorkerPaths): Promise<Invocation> {
  if ('command' in run) return { program: 'sh', args: ['-c', run.command], shown: run.command };
  const file = `${paths.task}/script.${run.interpreter === 'node' ? 'mjs' : 'sh'}`;
  await writeFile(file, run.script);
  return { program: run.interpreter, args: [file], shown: `${run.interpreter} script` };
}

/** The files that tell the agent its task, and the variables that name them. */
async function taskFiles(order: TaskOrder, paths: WorkerPaths): Promise<Record<string, string>> {
  const task = `${paths.task}/task.json`;
  await writeFile(task, JSON.stringify({ title: order.title, instructions: order.instructions }, null, 2));
  if (order.feedback === null) return { AGENTCOMPANY_TASK: task };
  const feedback = `${paths.task}/feedback.json`;
  await writeFile(feedback, JSON.stringify(order.feedback, null, 2));
  return { AGENTCOMPANY_TASK: task, AGENTCOMPANY_FEEDBACK: feedback };
}

/** A command's end in words: `exit code 2`, `signal SIGKILL`. */
export function howItEnded(end: Pick<CommandEnd, 'exitCode' | 'signal'>): string {
  return end.exitCode === null ? `signal ${end.signal ?? 'unknown'}` : `exit code ${end.exitCode}`;
}

/** A command's end as the report carries it. */
export function commandReport(command: string, end: CommandEnd): CommandReport {
  return { command, exit_code: end.exitCode, duration_ms: end.durationMs, output: end.output };
}

/** What the kernel has counted against this container. */
async function kernelCounts(): Promise<{ readonly kills: number; readonly refusals: number }> {
  return { kills: await memoryKills(), refusals: await processRefusals() };
}

async function problemOf(
  end: CommandEnd,
  seconds: number,
  before: Awaited<ReturnType<typeof kernelCounts>>,
): Promise<AppError | null> {
  if (end.exitCode === 0) return null;
  const { kills, refusals } = await kernelCounts();
  if (refusals > before.refusals) return workerErrors.AC_WORK_PROCESSES();
  if (end.timedOut) return workerErrors.AC_WORK_TIMEOUT({ seconds });
  if (kills > before.kills) return workerErrors.AC_WORK_MEMORY();
  if (speaksOfFullDisk(end.output)) return workerErrors.AC_WORKSPACE_FULL({}, end.output.slice(-500));
  return workerErrors.AC_WORK_FAILED({ how: howItEnded(end) }, end.output.slice(-500));
}

/** What the agent's command did, and what was wrong with it, if anything. */
export interface AgentEnd {
  readonly report: CommandReport;
  readonly error: AppError | null;
}

/**
 * The `command` agent: runs the task's command or script in the repository. Errors, as part of the value: `AC_WORK_FAILED`,
 * `AC_WORK_TIMEOUT`, `AC_WORK_MEMORY`, `AC_WORK_PROCESSES`, `AC_WORKSPACE_FULL`.
 */
export async function runCommandAgent(
  order: TaskOrder,
  run: TaskRun,
  { paths, place }: Pick<Surroundings, 'paths' | 'place'>,
): Promise<Result<AgentEnd>> {
  const before = await kernelCounts();
  let files: Record<string, string>;
  let call: Invocation;
  try {
    files = await taskFiles(order, paths);
    call = await invocation(run, paths);
  } catch (cause) {
    return failure(workerErrors.AC_WORKSPACE_FULL({}, cause));
  }
  const end = await runCommand({
    program: call.program,
    args: call.args,
    folder: paths.repository,
    environment: { ...place.environment, ...files },
    timeoutSeconds: order.command_timeout,
    onOutput: place.onOutput,
  });
  return success({
    report: commandReport(call.shown, end),
    error: await problemOf(end, order.command_timeout, before),
  });
}
