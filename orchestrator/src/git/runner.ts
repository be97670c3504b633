/* oxlint-disable no-control-regex -- control characters are what is removed */
import { existsSync } from 'node:fs';
import { failure, success, type AppError, type Result } from '@agentcompany/protocol';
import { runCappedProcess, type ProcessOutcome, type ProcessRequest, type RunProcess } from './capped-process.ts';
import { gitEnvironment, type GitEnvironmentOptions } from './environment.ts';
import { gitErrors } from './errors.ts';
import { runOrdinaryCall } from './ordinary-call.ts';

/** Kernel limits of one call (bytes of address space, bytes of a written file, seconds of processor time). */
export interface ResourceLimits {
  readonly addressSpace: number;
  readonly fileSize: number;
  readonly cpuSeconds: number;
}

export interface GitCall extends GitEnvironmentOptions {
  /** The subcommand and its arguments. Nothing from outside may begin with `-`, nor stand before `--end-of-options`. */
  readonly arguments: readonly string[];
  /** Exit codes that are an answer and not a failure; only 0 where absent. */
  readonly answers?: readonly number[];
  /** Milliseconds; default one minute. */
  readonly timeoutMs?: number;
  /** Any of the next five makes the call a plain process instead of one of simple-git. */
  readonly input?: string | Uint8Array | { readonly descriptor: number };
  readonly outputDescriptor?: number;
  readonly outputLimit?: number;
  readonly limits?: ResourceLimits;
  /** The call prints nothing when all is well: simple-git would wait 50 ms for output that never comes. */
  readonly silent?: true;
}

export interface GitAnswer {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Sees the argument vector and the repository folder of every git call just before it is made. */
export type ArgumentsHook = (argumentList: readonly string[], gitDir: string) => void;

/**
 * The one way to run git. Errors: `AC_GIT_UNAVAILABLE`, `AC_GIT_TIMEOUT`, `AC_GIT_OUTPUT_TOO_LARGE`, `AC_GIT_FAILED`
 * whose cause is what git printed.
 */
export type GitRunner = (call: GitCall) => Promise<Result<GitAnswer>>;

const minute = 60_000;
/** Characters of standard error kept in an error. */
const causeLimit = 4096;
/** Output of a plain process that names no limit of its own. */
const defaultOutputLimit = 1024 * 1024;
const prlimit = ['/usr/bin/prlimit', '/bin/prlimit'].find((file) => existsSync(file)) ?? null;

/** Makes the runner of all git calls of a project; `runProcess` carries out those that are plain processes. */
export function createGitRunner(
  onArguments: ArgumentsHook = () => undefined,
  runProcess: RunProcess = runCappedProcess,
): GitRunner {
  return async (call) => {
    onArguments(call.arguments, call.gitDir);
    const timeoutMs = call.timeoutMs ?? minute;
    const environment = gitEnvironment(call);
    const outcome = needsPlainProcess(call)
      ? await runProcess(plainProcess(call, environment, timeoutMs))
      : await runOrdinaryCall(call.arguments, environment, timeoutMs);
    return judge(call, outcome, timeoutMs);
  };
}

/** simple-git can neither stream input, cap output, nor put a call with network children into a process group. */
function needsPlainProcess(call: GitCall): boolean {
  const plain = [call.input, call.outputDescriptor, call.outputLimit, call.limits, call.protocols, call.silent];
  return plain.some((setting) => setting !== undefined);
}

function plainProcess(call: GitCall, environment: Record<string, string>, timeoutMs: number): ProcessRequest {
  const limited = call.limits !== undefined && prlimit !== null ? limitArguments(call.limits) : null;
  return {
    command: limited === null || prlimit === null ? 'git' : prlimit,
    arguments: limited === null ? call.arguments : [...limited, 'git', ...call.arguments],
    environment,
    outputLimit: call.outputLimit ?? defaultOutputLimit,
    timeoutMs,
    ...(call.input === undefined ? {} : { input: call.input }),
    ...(call.outputDescriptor === undefined ? {} : { outputDescriptor: call.outputDescriptor }),
  };
}

function limitArguments(limits: ResourceLimits): readonly string[] {
  return [`--as=${limits.addressSpace}`, `--fsize=${limits.fileSize}`, `--cpu=${limits.cpuSeconds}`, '--core=0'];
}

function judge(call: GitCall, outcome: ProcessOutcome, timeoutMs: number): Result<GitAnswer> {
  const command = call.arguments[0] ?? '';
  switch (outcome.end) {
    case 'not-started':
      return failure(gitErrors.AC_GIT_UNAVAILABLE({}, outcome.cause));
    case 'timeout':
      return failure(gitErrors.AC_GIT_TIMEOUT({ command, seconds: timeoutMs / 1000 }));
    case 'lost':
      return failure(gitErrors.AC_GIT_INTERRUPTED({ command }));
    case 'output-limit':
      return failure(gitErrors.AC_GIT_OUTPUT_TOO_LARGE({ command, limit: call.outputLimit ?? defaultOutputLimit }));
    case 'exited':
      if ((call.answers ?? [0]).includes(outcome.exitCode)) return success(outcome);
      return failure(explainFailure(command, outcome.exitCode, plainCause(outcome.stderr)));
  }
}

function explainFailure(command: string, code: number, cause: string): AppError {
  const diskFull = /No space left on device|Disk quota exceeded/u.test(cause);
  return diskFull ? gitErrors.AC_GIT_DISK_FULL({ command }, cause) : gitErrors.AC_GIT_FAILED({ command, code }, cause);
}

/** What git printed, fit for a terminal and a log: a remote may have written into it. */
function plainCause(stderr: string): string {
  return stderr
    .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/gu, ' ')
    .trim()
    .slice(0, causeLimit);
}

/** Standard output as text without the line end. */
export function outputText(answer: GitAnswer): string {
  return answer.stdout.toString('utf8').trimEnd();
}
