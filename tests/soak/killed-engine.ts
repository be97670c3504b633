import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import type { OpenBusOptions } from '@agentcompany/agent-bus';
import { chance } from './seeded.ts';
import type { Resources } from './resources.ts';
import type { SoakEngineArguments } from './soak-engine.ts';

const script = join(import.meta.dirname, 'soak-engine.ts');
/** Moments before and after durable steps that an engine lives at least, and at most. */
const shortLife = 6;
const longLife = 400;

export interface KilledEngineOptions {
  readonly place: OpenBusOptions;
  readonly folder: string;
  readonly seed: number;
}

/** An engine that is started again each time it dies at the step that `seed` chose for this life. */
export class KilledEngine {
  readonly #options: KilledEngineOptions;
  readonly #failure = new AbortController();
  #child: ChildProcess | null = null;
  #lives = 0;
  #isKilling = true;
  #isStopping = false;
  kills = 0;

  constructor(options: KilledEngineOptions) {
    this.#options = options;
  }

  /** Aborts, with its reason, when an engine ended by itself. */
  get failed(): AbortSignal {
    return this.#failure.signal;
  }

  start(): void {
    this.#lives += 1;
    const { place, folder, seed } = this.#options;
    const life = shortLife + Math.floor(chance(seed, 'life', this.#lives) ** 2 * (longLife - shortLife));
    const settings: SoakEngineArguments = { place, folder, seed, crashAt: this.#isKilling ? life : null };
    const program = ['--conditions=development', script, JSON.stringify(settings)];
    const child = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-4000)));
    child.once('close', (code, signal) => {
      if (this.#isStopping) return;
      if (signal !== 'SIGKILL')
        return this.#failure.abort(new Error(`the engine ended with ${code ?? signal}: ${said}`));
      this.kills += 1;
      this.start();
    });
    this.#child = child;
  }

  /** From here on engines live: the one at work is replaced. */
  async letLive(): Promise<void> {
    this.#isKilling = false;
    await this.stop();
    this.#isStopping = false;
    this.start();
  }

  /** What the living engine takes, after a garbage collection. */
  async resources(): Promise<Resources> {
    const child = this.#child;
    const output = child?.stdout ?? null;
    if (child === null || output === null) throw new Error('no engine is at work');
    const reader = createInterface({ input: output });
    const answer = new Promise<string>((resolve) => reader.once('line', resolve));
    child.kill('SIGUSR2');
    const line = await answer;
    reader.close();
    return (JSON.parse(line) as { resources: Resources }).resources;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGTERM');
    await ended;
  }
}
