import { spawn } from 'node:child_process';

export interface ProcessRequest {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Text written to standard input, or an open descriptor of a file, read from its present position. */
  readonly input?: string | Uint8Array | { readonly descriptor: number };
  /** An open descriptor of an empty file that takes standard output instead of memory. */
  readonly outputDescriptor?: number;
  /** Bytes of standard output kept; more kills the process. */
  readonly outputLimit: number;
  readonly timeoutMs: number;
}

export type ProcessOutcome =
  | { readonly end: 'exited'; readonly exitCode: number; readonly stdout: Buffer; readonly stderr: string }
  | { readonly end: 'timeout' | 'output-limit' }
  | { readonly end: 'not-started'; readonly cause: Error }
  /** How it ended is unknown: what had started it is gone (programs/program-starter.ts). */
  | { readonly end: 'lost' };

/** Runs a process to its end. */
export type RunProcess = (request: ProcessRequest) => Promise<ProcessOutcome>;

/** Bytes of standard error kept: enough for every message of git, little enough for a hostile remote. */
const stderrLimit = 64 * 1024;

/**
 * Runs a process in a process group of its own, without a shell, with a clock and a cap on its output; whatever ends it
 * early ends the whole group. A signal counts as exit code 128 + 9. `onStarted` is told the group's id.
 */
export function runCappedProcess(
  request: ProcessRequest,
  onStarted: (group: number) => void = () => undefined,
): Promise<ProcessOutcome> {
  const { promise, resolve } = Promise.withResolvers<ProcessOutcome>();
  const input = request.input;
  const fromDescriptor = typeof input === 'object' && !(input instanceof Uint8Array);
  const child = spawn(request.command, request.arguments, {
    env: request.environment,
    cwd: '/',
    detached: true,
    stdio: [
      input === undefined ? 'ignore' : fromDescriptor ? input.descriptor : 'pipe',
      request.outputDescriptor ?? 'pipe',
      'pipe',
    ],
  });
  let early: 'timeout' | 'output-limit' | null = null;
  const endGroup = (reason: 'timeout' | 'output-limit'): void => {
    early ??= reason;
    if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
  };
  if (child.pid !== undefined) onStarted(child.pid);
  const clock = setTimeout(() => endGroup('timeout'), request.timeoutMs);
  const stdout = collect(child.stdout, request.outputLimit, () => endGroup('output-limit'));
  const stderr = collect(child.stderr, stderrLimit, () => undefined);
  child.on('error', (cause) => {
    clearTimeout(clock);
    resolve({ end: 'not-started', cause });
  });
  child.on('close', (code) => {
    clearTimeout(clock);
    if (early !== null) return resolve({ end: early });
    resolve({ end: 'exited', exitCode: code ?? 137, stdout: stdout(), stderr: stderr().toString('utf8') });
  });
  if (child.stdin !== null && input !== undefined && !fromDescriptor) {
    // A process that ends before reading all its input is judged by its exit code, not by the broken pipe.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  }
  return promise;
}

/** Sends a signal to a whole process group; one that is gone needs none. */
export function signalGroup(group: number, signal: 'SIGKILL' | 'SIGTERM'): void {
  try {
    process.kill(-group, signal);
  } catch (problem) {
    if (!(problem instanceof Error && 'code' in problem && problem.code === 'ESRCH')) throw problem;
  }
}

function collect(stream: NodeJS.ReadableStream | null, limit: number, exceeded: () => void): () => Buffer {
  const chunks: Buffer[] = [];
  let size = 0;
  stream?.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > limit) exceeded();
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks);
}
