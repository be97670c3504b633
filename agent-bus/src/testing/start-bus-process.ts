import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { BusProcessArguments } from './bus-programs.ts';

const ownScript = fileURLToPath(new URL('./bus-process.ts', import.meta.url));

export interface BusProcess {
  readonly child: ChildProcess;
  /** All lines, when the process has ended, with the signal that ended it. */
  readonly ended: Promise<{ readonly lines: readonly Record<string, unknown>[]; readonly signal: string | null }>;
  /** The next line that was not asked for yet; null when the process has ended before it. */
  readonly nextLine: () => Promise<Record<string, unknown> | null>;
}

/** Starts the script of `options.place` under this Node, behind `wrapper` (a program and its arguments) where one is given. */
export function startBusProcess(options: BusProcessArguments, wrapper: readonly string[] = []): BusProcess {
  const script = options.place.script ?? ownScript;
  const program = [process.execPath, '--conditions=development', script, JSON.stringify(options)];
  const [command = process.execPath, ...rest] = wrapper.concat(program);
  const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  // What is written to a process that was killed is lost, as it is meant to be.
  child.stdin.on('error', () => undefined);
  const lines: Record<string, unknown>[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(JSON.parse(line) as Record<string, unknown>));
  const read = once(reader, 'close');
  const signal = new Promise<string | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (_code, by) => resolve(by));
  });
  const ended = Promise.all([signal, read]).then(([by]) => ({ lines, signal: by }));
  let taken = 0;
  const nextLine = async (): Promise<Record<string, unknown> | null> => {
    if (taken === lines.length) await Promise.race([once(reader, 'line'), ended]);
    taken += 1;
    return lines[taken - 1] ?? null;
  };
  return { child, ended, nextLine };
}
