import { type AppError, type CommandReport, workerErrors } from '@agentcompany/protocol';
import { commandReport, howItEnded } from './command-agent.ts';
import { speaksOfFullDisk, type GitPlace } from './git.ts';
import { runCommand, type CommandEnd } from './run-command.ts';

export interface VerifyEnd {
  readonly reports: readonly CommandReport[];
  readonly error: AppError | null;
}

/** The shell's exit codes for a program that is absent, or that it may not run. */
const couldNotStart = new Set([126, 127]);

function problemOf(command: string, end: CommandEnd): AppError | null {
  if (end.exitCode === 0) return null;
  const cause = end.output.slice(-500);
  if (end.exitCode !== null && couldNotStart.has(end.exitCode))
    return workerErrors.AC_VERIFY_UNAVAILABLE({ command }, cause);
  if (speaksOfFullDisk(end.output)) return workerErrors.AC_WORKSPACE_FULL({}, cause);
  return workerErrors.AC_VERIFY_FAILED({ command, how: end.timedOut ? 'its time limit' : howItEnded(end) }, cause);
}

/** Runs the checks in order and stops at the first that is not green. Errors: `AC_VERIFY_FAILED`, `AC_VERIFY_UNAVAILABLE`. */
export async function runChecks(
  commands: readonly string[],
  place: GitPlace,
  timeoutSeconds: number,
): Promise<VerifyEnd> {
  const reports: CommandReport[] = [];
  for (const command of commands) {
    const end = await runCommand({ program: 'sh', args: ['-c', command], timeoutSeconds, ...place });
    reports.push(commandReport(command, end));
    const error = problemOf(command, end);
    if (error !== null) return { reports, error };
  }
  return { reports, error: null };
}
