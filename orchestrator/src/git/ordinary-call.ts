import { simpleGit } from 'simple-git';
import type { ProcessOutcome } from './capped-process.ts';

/**
 * The guards of simple-git opened are those for the values the runner itself sets in the environment.
 * All others stay shut: aliases, diff and merge drivers, filters, includes, upload-pack, exec.
 */
const guardsOpened = {
  allowUnsafeAskPass: true,
  allowUnsafeConfigEnvCount: true,
  allowUnsafeConfigPaths: true,
  allowUnsafeCredentialHelper: true,
  allowUnsafeEditor: true,
  allowUnsafeFsMonitor: true,
  allowUnsafeHooksPath: true,
  allowUnsafePager: true,
  allowUnsafeProtocolOverride: true,
  allowUnsafeSshCommand: true,
  allowUnsafeTemplateDir: true,
} as const;

/** Runs a local call with small output and no input through simple-git's `raw`, in exactly the environment given. */
export async function runOrdinaryCall(
  argumentList: readonly string[],
  environment: Readonly<Record<string, string>>,
  timeoutMs: number,
): Promise<ProcessOutcome> {
  const clock = AbortSignal.timeout(timeoutMs);
  // simple-git wraps what its error hook returns, so how the call ended is kept here.
  let ended: ProcessOutcome | null = null;
  const git = simpleGit({
    baseDir: '/',
    abort: clock,
    allowEnvironment: Object.keys(environment),
    unsafe: guardsOpened,
    errors: (_error, { exitCode, stdOut, stdErr }) => {
      const stderr = Buffer.concat(stdErr).toString('utf8');
      ended =
        exitCode < 0
          ? { end: 'not-started', cause: new Error(stderr) }
          : { end: 'exited', exitCode, stdout: Buffer.concat(stdOut), stderr };
      return undefined;
    },
  }).env({ ...environment });
  try {
    await git.raw([...argumentList]);
  } catch (problem) {
    ended ??= { end: 'not-started', cause: problem instanceof Error ? problem : new Error(String(problem)) };
  }
  if (clock.aborted) return { end: 'timeout' };
  if (ended === null) throw new Error('simple-git ended a call without saying how');
  return ended;
}
