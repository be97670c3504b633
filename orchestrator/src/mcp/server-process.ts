import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { ReadBuffer, serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';

/** How a server's process is started; `env` is the whole of its environment. */
export interface ProcessPlace {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const maximumMessageBytes = 16_777_216;
const stderrTailCharacters = 2000;
const graceMs = 2000;

/**
 * A server on the standard input and output of a process of its own group. The library's own transport would hand part of the engine's
 * environment on, and leaves behind what the process started.
 */
export class ServerProcess implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: NonNullable<Transport['onmessage']>;
  readonly #place: ProcessPlace;
  readonly #buffer = new ReadBuffer({ maxBufferSize: maximumMessageBytes });
  #child: ChildProcessByStdio<Writable, Readable, Readable> | null = null;
  #ended: Promise<void> = Promise.resolve();
  #stderr = '';

  constructor(place: ProcessPlace) {
    this.#place = place;
  }

  /** Whether it can still answer. */
  isOpen = false;

  /** The end of what it wrote to standard error. */
  get lastWords(): string {
    return this.#stderr.trim();
  }

  start(): Promise<void> {
    const { command, args, env } = this.#place;
    const child = spawn(command, [...args], {
      env: { ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      cwd: '/',
    });
    this.#child = child;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = promise;
    // What it started holds its output open, and must not outlive it.
    child.once('exit', () => endGroup(child.pid, 'SIGKILL'));
    child.once('close', () => {
      this.isOpen = false;
      resolve();
      this.onclose?.();
    });
    child.stdin.on('error', (error) => this.onerror?.(error));
    child.stdout.on('data', (chunk: Buffer) => this.#take(chunk));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-stderrTailCharacters);
    });
    return new Promise((started, refused) => {
      child.once('spawn', () => {
        this.isOpen = true;
        started();
      });
      child.once('error', (error) => {
        resolve();
        refused(error);
      });
    });
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (this.#child === null) throw new Error('it has not been started');
    this.#child.stdin.write(serializeMessage(message), (error) => (error ? reject(error) : resolve()));
    await promise;
  }

  /** Ends it and what it started: first by the end of its input, then by force. */
  async close(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    this.isOpen = false;
    child.stdin.end();
    const timer = setTimeout(() => endGroup(child.pid, 'SIGTERM'), graceMs / 2);
    const force = setTimeout(() => endGroup(child.pid, 'SIGKILL'), graceMs);
    await this.#ended;
    clearTimeout(timer);
    clearTimeout(force);
    this.#buffer.clear();
  }

  #take(chunk: Buffer): void {
    try {
      this.#buffer.append(chunk);
    } catch (error) {
      // A message without end: what follows cannot be told apart any more.
      this.onerror?.(error as Error);
      return endGroup(this.#child?.pid, 'SIGKILL');
    }
    for (;;) {
      try {
        const message = this.#buffer.readMessage();
        if (message === null) return;
        this.onmessage?.(message);
      } catch (error) {
        // A line that is no message is skipped: servers print what they should not.
        this.onerror?.(error as Error);
      }
    }
  }
}

function endGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended already.
  }
}
