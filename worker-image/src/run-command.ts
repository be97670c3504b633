import { spawn } from 'node:child_process';
import { OutputTail } from './output-tail.ts';

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  /** Everything the command prints, as it comes. */
  readonly onOutput: (chunk: Buffer) => void;
}

/** How a command ended. `exitCode` is null when a signal, or the time limit, ended it. */
export interface CommandEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  readonly durationMs: number;
  /** The last 8 KiB of standard output and standard error together. */
  readonly output: string;
  /** The last 8 KiB of standard output alone. */
  readonly standardOutput: string;
}

const exitCodes = { notFound: 127, notExecutable: 126 } as const;
/** How long output may still trickle from grandchildren that kept the pipes after the command itself ended. */
const drainMs = 500;

/** Kills a process and all it started that stayed in its group. */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The whole group has ended already.
  }
}

/**
 * Runs a command in a process group of its own, its standard input empty and its output captured: no child ever holds the
 * runtime's own standard streams, which are the door. When the command ends, or its time is up, the whole group is killed.
 */
export function runCommand(command: Command): Promise<CommandEnd> {
  const begun = performance.now();
  const tail = new OutputTail();
  const standardTail = new OutputTail();
  return new Promise((resolve) => {
    const child = spawn(command.program, command.args, {
      cwd: command.folder,
      env: command.environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(child.pid);
    }, command.timeoutSeconds * 1000);
    const take = (chunk: Buffer): void => {
      tail.write(chunk);
      command.onOutput(chunk);
    };
    child.stdout.on('data', (chunk: Buffer) => {
      standardTail.write(chunk);
      take(chunk);
    });
    child.stderr.on('data', take);
    const end = (exitCode: number | null, signal: NodeJS.Signals | null): void => {
      clearTimeout(timer);
      const durationMs = Math.round(performance.now() - begun);
      const outputs = { output: tail.text(), standardOutput: standardTail.text() };
      resolve({ exitCode: timedOut ? null : exitCode, signal, timedOut, durationMs, ...outputs });
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      take(Buffer.from(`${error.message}\n`));
      end(error.code === 'ENOENT' ? exitCodes.notFound : exitCodes.notExecutable, null);
    });
    child.once('exit', (exitCode, signal) => {
      killGroup(child.pid);
      const drained = setTimeout(() => end(exitCode, signal), drainMs);
      child.once('close', () => {
        clearTimeout(drained);
        end(exitCode, signal);
      });
    });
  });
}
