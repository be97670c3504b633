import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { BusProcessArguments } from './bus-programs.ts';

const ownScript = fileURLToPath(new URL('./bus-process.ts', import.meta.url));

export interface BusProcess {
  readonly child: ChildProcess;
  /** All lines, when the process has ended, with the signal that ended it. */
  readonly ended: Promise<{ readonly lines: readonly Record<string, unknown>[]; readonly signal: string | null }>;
  /** Resolves with the first line. */
  readonly firstLine: Promise<Record<string, unknown>>;
}

const readLine = (line: string): Record<string, unknown> => JSON.parse(line) as Record<string, unknown>;

/** Starts the script of `options.place` under this Node, behind `wrapper` (a program and its arguments) where one is given. */
export function startBusProcess(options: BusProcessArguments, wrapper: readonly string[] = []): BusProcess {
  const program = [
    process.execPath,
    '--conditions=development',
    options.place.script ?? ownScript,
    JSON.stringify(options),
  ];
  const [command = process.execPath, ...rest] = wrapper.concat(program);
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: Record<string, unknown>[] = [];
  const reader = createInterface({ input: child.stdout });
  const firstLine = new Promise<Record<string, unknown>>((resolve) =>
    reader.once('line', (line) => resolve(readLine(line))),
  );
  reader.on('line', (line) => lines.push(readLine(line)));
  const read = new Promise<void>((resolve) => reader.once('close', resolve));
  const signal = new Promise<string | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (_code, by) => resolve(by));
  });
  return { child, firstLine, ended: Promise.all([signal, read]).then(([by]) => ({ lines, signal: by })) };
}
