import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { endMarked, markerOf } from './end-marked.ts';
import { HeadAndTail } from './head-and-tail.ts';

/** Where and how commands run. */
export interface CommandPlace {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly onOutput: (chunk: Buffer) => void;
}

/** A process that runs beside the agent. */
export interface BackgroundProcess {
  readonly id: string;
  readonly command: string;
  /** How it ended; null while it runs. */
  readonly ended: string | null;
  /** What it printed, from the beginning. */
  readonly output: string;
}

/** Running at once: more is a loop that went wrong. */
const maximumRunning = 8;

interface Entry {
  readonly id: string;
  readonly mark: string;
  readonly command: string;
  readonly child: ChildProcess;
  readonly output: HeadAndTail;
  readonly end: Promise<unknown>;
  ended: string | null;
}

/** The background processes of one agent (C24). */
export class Processes {
  readonly #place: CommandPlace;
  readonly #entries = new Map<string, Entry>();

  constructor(place: CommandPlace) {
    this.#place = place;
  }

  /** Starts a shell command. Null where too many run. */
  start(command: string): BackgroundProcess | null {
    const running = [...this.#entries.values()].filter(({ ended }) => ended === null);
    if (running.length >= maximumRunning) return null;
    const id = `process-${this.#entries.size + 1}`;
    const mark = randomUUID();
    const { folder, environment, onOutput } = this.#place;
    const child = spawn('sh', ['-c', command], {
      cwd: folder,
      env: { ...environment, ...markerOf(mark) },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = new HeadAndTail();
    const take = (chunk: Buffer): void => {
      output.write(chunk);
      onOutput(chunk);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const { promise: end, resolve } = Promise.withResolvers<undefined>();
    const entry: Entry = { id, mark, command, child, output, end, ended: null };
    const finish = (how: string): void => {
      entry.ended ??= how;
      resolve(undefined);
    };
    child.once('error', (error) => finish(error.message));
    child.once('exit', (code, signal) => finish(code === null ? `signal ${signal}` : `exit code ${code}`));
    this.#entries.set(id, entry);
    return view(entry);
  }

  /** Looks at a process, after it ended or `seconds` went by, whichever comes first. Null: there is no such process. */
  async look(id: string, seconds: number): Promise<BackgroundProcess | null> {
    const entry = this.#entries.get(id);
    if (entry === undefined) return null;
    const over = new AbortController();
    await Promise.race([entry.end, wait(seconds * 1000, undefined, { signal: over.signal }).catch(() => undefined)]);
    over.abort();
    return view(entry);
  }

  /** Ends a process with all that it started. Null: there is no such process. */
  async end(id: string): Promise<BackgroundProcess | null> {
    const entry = this.#entries.get(id);
    if (entry === undefined) return null;
    await this.#end(entry);
    return view(entry);
  }

  /** What is left running must not change the tree while it is committed and checked. */
  async endAll(): Promise<void> {
    await Promise.all([...this.#entries.values()].map((entry) => this.#end(entry)));
  }

  async #end(entry: Entry): Promise<void> {
    if (entry.child.pid !== undefined) endMarked(entry.mark, entry.child.pid);
    await entry.end;
  }
}

function view({ id, command, ended, output }: Entry): BackgroundProcess {
  return { id, command, ended, output: output.text() };
}
