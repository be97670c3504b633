import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { OutputTail } from '../output-tail.ts';
import { killGroup } from '../run-command.ts';

export interface AgentCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  /** What it says to people, on its standard error. */
  readonly onErrorOutput: (chunk: Buffer) => void;
}

/** How an agent's process ended. `exitCode` is null when a signal, or the time limit, ended it. */
export interface AgentExit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  /** Ended by `kill`. */
  readonly wasKilled: boolean;
  readonly durationMs: number;
  /** The last 8 KiB of its standard error. */
  readonly errorOutput: string;
}

/** A code agent at work, in a process group of its own that goes with it. */
export interface AgentProcess {
  /** To be ended: agents that may read more wait for it. */
  readonly input: Writable;
  readonly output: Readable;
  readonly exit: Promise<AgentExit>;
  /** Aborted when its time is up, a little before it is killed. */
  readonly lateness: AbortSignal;
  kill(): void;
}

/** What an agent has, once its time is up, to break off by itself. */
const breakOffMs = 2000;

/** Starts a code agent. It never holds the runtime's own standard streams, which are the door. */
export function startAgent(command: AgentCommand): AgentProcess {
  const begun = performance.now();
  const errors = new OutputTail();
  const lateness = new AbortController();
  const child = spawn(command.program, command.args, {
    cwd: command.folder,
    env: command.environment,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let wasKilled = false;
  let killing: NodeJS.Timeout | undefined;
  const timer = setTimeout(() => {
    lateness.abort();
    killing = setTimeout(() => killGroup(child.pid), breakOffMs);
  }, command.timeoutSeconds * 1000);
  child.stderr.on('data', (chunk: Buffer) => {
    errors.write(chunk);
    command.onErrorOutput(chunk);
  });
  // An agent may end before it has read what it was given.
  child.stdin.on('error', () => undefined);
  const exit = new Promise<AgentExit>((resolve) => {
    const end = (exitCode: number | null, signal: NodeJS.Signals | null): void => {
      clearTimeout(timer);
      clearTimeout(killing);
      killGroup(child.pid);
      const durationMs = Math.round(performance.now() - begun);
      const timedOut = lateness.signal.aborted;
      const ended = { exitCode: timedOut ? null : exitCode, signal, timedOut, wasKilled };
      resolve({ ...ended, durationMs, errorOutput: errors.text() });
    };
    child.once('error', (error) => {
      errors.write(Buffer.from(`${error.message}\n`));
      end(null, null);
    });
    child.once('exit', end);
  });
  const kill = (): void => {
    wasKilled = true;
    killGroup(child.pid);
  };
  return { input: child.stdin, output: child.stdout, exit, lateness: lateness.signal, kill };
}
