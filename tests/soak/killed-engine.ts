import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
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

interface Life {
  readonly child: ChildProcess;
  /** What the engine prints: one line when it is ready, then one for each question. */
  readonly output: Interface;
  readonly ready: Promise<unknown>;
  readonly ended: Promise<unknown>;
}

/** An engine that is started again each time it dies at the step that `seed` chose for this life. */
export class KilledEngine {
  readonly #options: KilledEngineOptions;
  readonly #failure = new AbortController();
  #life: Life | null = null;
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
    const output = createInterface({ input: child.stdout });
    this.#life = { child, output, ready: once(output, 'line'), ended: once(child, 'close') };
  }

  /** From here on engines live: the one at work is replaced. */
  async letLive(): Promise<void> {
    this.#isKilling = false;
    await this.stop();
    this.#isStopping = false;
    this.start();
  }

  /** What the engine at work takes, after a garbage collection. One that dies before it has answered is asked in its next life. */
  async resources(): Promise<Resources> {
    for (;;) {
      this.failed.throwIfAborted();
      const life = this.#life;
      if (life === null) throw new Error('no engine is at work');
      const { child, output, ready, ended } = life;
      // A question that comes before the engine listens for the signal would end it.
      await Promise.race([ready, ended]);
      const answer = once(output, 'line') as Promise<[string]>;
      child.kill('SIGUSR2');
      const line = await Promise.race([answer, ended.then(() => null)]);
      if (line !== null) return (JSON.parse(line[0]) as { resources: Resources }).resources;
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#life?.child.kill('SIGTERM');
    await this.#life?.ended;
  }
}
