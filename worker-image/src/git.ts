import { failure, success, type AppError, type Result, workerErrors } from '@agentcompany/protocol';
import { runCommand, type Command } from './run-command.ts';

/** The folder git works in and the environment of every command there. */
export interface GitPlace {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly onOutput: (chunk: Buffer) => void;
}

const gitSeconds = 600;
// The repository's own configuration is the agent's to write; these are not taken from it.
const guards = [
  '-c',
  'core.hooksPath=/dev/null',
  '-c',
  'core.fsmonitor=false',
  '-c',
  'commit.gpgSign=false',
  '-c',
  'gc.auto=0',
];

/** True for what a program prints when the disk, here the workspace, is full. */
export function speaksOfFullDisk(output: string): boolean {
  return /No space left on device|ENOSPC|Disk quota exceeded|Out of diskspace/.test(output);
}

/** A call of git as a command: without hooks and helpers that the repository's own configuration names. */
export function gitCommand(place: GitPlace, args: readonly string[]): Command {
  return { ...place, program: 'git', args: [...guards, ...args], timeoutSeconds: gitSeconds };
}

/**
 * Runs git and gives its trimmed standard output, which must be short: warnings, which a repository can provoke, are not part of it. A failure is `AC_WORKSPACE_FULL` when there was no room,
 * else what `otherwise` makes of the output.
 */
export async function git(
  place: GitPlace,
  args: readonly string[],
  otherwise?: (output: string) => AppError,
): Promise<Result<string>> {
  const end = await runCommand({ ...gitCommand(place, args), onOutput: () => undefined });
  if (end.exitCode === 0) return success(end.standardOutput.trim());
  place.onOutput(Buffer.from(end.output));
  if (speaksOfFullDisk(end.output)) return failure(workerErrors.AC_WORKSPACE_FULL({}, end.output.trim()));
  const make =
    otherwise ?? ((output: string) => workerErrors.AC_WORK_GIT({ action: `run git ${args[0] ?? ''}` }, output));
  return failure(make(end.output.trim()));
}
