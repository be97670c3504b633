import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { success, unwrap } from '@agentcompany/protocol';
import {
  createWorkerRunner,
  type WorkerRunnerOptions,
} from '../../orchestrator/src/containers/sealed-worker-runner.ts';
import { labelNames } from '../../orchestrator/src/containers/worker-labels.ts';
import type { WorkerJob, WorkerRunner } from '../../orchestrator/src/containers/worker-runner.ts';
import { noServices } from '../../orchestrator/src/door/attempt-services.ts';
import { engineNote, openMeasured, type MeasuredEngine } from './measured-runtimes.ts';
import type { RuntimeName } from './runtime-names.ts';

const mebibyte = 1024 ** 2;

/** What a round asks for: the milliseconds from the call until the worker says this. */
export type Moment = 'checking out' | 'checking';

/** An engine, a folder it sees, and runners whose containers belong to nobody else. */
export class ContainerScene {
  readonly name: RuntimeName;
  readonly under: MeasuredEngine;
  readonly folder: string;
  readonly #instance = randomUUID();
  readonly #runners: WorkerRunner[] = [];

  private constructor(name: RuntimeName, under: MeasuredEngine, folder: string) {
    this.name = name;
    this.under = under;
    this.folder = folder;
  }

  /** Opens the engine too. Rejects with `NotMeasured` where it cannot be had here. */
  static async open(name: RuntimeName): Promise<ContainerScene> {
    const under = await openMeasured(name);
    const folder = await mkdtemp(join(tmpdir(), 'agentcompany-bench-'));
    // The user of a rootless engine has to get at the mirrors in it.
    await chmod(folder, 0o711);
    return new ContainerScene(name, under, folder);
  }

  /** What `work` gives; where it fails, the engine and all else is closed. */
  async orClose<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (problem) {
      await this.close();
      throw problem;
    }
  }

  runner(options: Partial<WorkerRunnerOptions> = {}): WorkerRunner {
    const { engine, image, runtimeFolder, enforcesLimits } = this.under;
    // Every word counts, and at once.
    const doorLimits = { progressMs: 0 };
    const runner = createWorkerRunner({
      engine,
      instance: this.#instance,
      defaultImage: image,
      runtimeFolder,
      acceptNoLimits: !enforcesLimits,
      doorLimits,
      ...options,
    });
    this.#runners.push(runner);
    return runner;
  }

  /** Runs a verification without checks. How the worker ends is not part of the figure. */
  async until(moment: Moment, runner: WorkerRunner, mirrorFolder: string, commit: string): Promise<number> {
    const begun = performance.now();
    const reached = Promise.withResolvers<number>();
    const job: WorkerJob = {
      owner: { instance: this.#instance, run: randomUUID(), task: 'bench', attempt: randomUUID(), epoch: 1 },
      order: { kind: 'verify', mirror: '/mirror.git', base_oid: commit, command_timeout: 30, verify: ['true'] },
      mirrorFolder,
      image: null,
      services: noServices,
      limits: {
        memoryBytes: 1024 * mebibyte,
        pids: 128,
        cpus: 2,
        workspaceBytes: 512 * mebibyte,
        temporaryBytes: 16 * mebibyte,
      },
      bundleFile: null,
      logFile: join(this.folder, 'logs', `${randomUUID()}.log`),
      deadlineSeconds: 120,
      signal: new AbortController().signal,
      onCreated: () => Promise.resolve(success()),
      onProgress: (message) => (message === moment ? reached.resolve(performance.now() - begun) : undefined),
    };
    const { report } = unwrap(await runner.run(job));
    if (report.error !== null) throw new Error(report.error.message);
    return reached.promise;
  }

  /** Resolves when a worker waits for work and has come to rest. */
  async isWarm(): Promise<void> {
    const restMs = 500;
    const limitMs = 30_000;
    for (const begun = performance.now(); performance.now() - begun < limitMs; await setTimeout(20)) {
      const found = unwrap(await this.under.engine.list(this.#instance));
      const isWaiting = found.some(({ running, labels }) => running && labels[labelNames.purpose] === 'warm');
      if (isWaiting) return setTimeout(restMs);
    }
    throw new Error('no worker came to wait');
  }

  /** What has to be known to read the figures: which engine it was, and where workspaces are not what they should be. */
  async notes(): Promise<readonly string[]> {
    const notes = [await engineNote(this.name, this.under)];
    for (const { checkouts } of this.#runners.slice(0, 1)) {
      const reason = unwrap((await checkouts?.reasonForMemory()) ?? success(null));
      if (reason !== null) notes.push(`${this.name}: WORKSPACES IN MEMORY: ${reason}`);
    }
    return notes;
  }

  async close(): Promise<void> {
    for (const runner of this.#runners) await runner.close();
    for (const { checkouts } of this.#runners)
      for (const { id } of (await checkouts?.owned()) ?? []) await checkouts?.remove(id);
    await rm(this.folder, { recursive: true, force: true });
    await this.under.close();
  }
}
