import { openBus, type AgentBus, type OpenBusOptions } from '@agentcompany/agent-bus';
import { unwrap } from '@agentcompany/protocol';
import { problemsOfRun } from './check-ledger.ts';
import { KilledEngine } from './killed-engine.ts';
import { PretendedOutside } from './pretended-outside.ts';
import { resourcesInUse, type Resources } from './resources.ts';
import { awaitPublished, completeRuns, submitRuns, tasksOfRun } from './soak-runs.ts';

export interface SoakOptions {
  readonly place: OpenBusOptions;
  /** An empty folder for the company's home and its pretended outside. */
  readonly folder: string;
  readonly tasks: number;
  readonly seed: number;
  /** Bytes that the store takes at this moment. */
  readonly storeSize: () => Promise<number>;
  readonly onBatch?: (batch: BatchReport) => void;
}

export interface BatchReport {
  readonly batch: number;
  /** Engines killed so far. */
  readonly kills: number;
  readonly engine: Resources;
  /** Of the process that submits and watches all the while. */
  readonly client: Resources;
  readonly storeBytes: number;
}

export interface SoakReport {
  readonly tasks: number;
  readonly kills: number;
  /** What does not hold, in words; empty when all is well. */
  readonly problems: readonly string[];
  readonly batches: readonly BatchReport[];
}

export const batchCount = 10;
/** The last ones, without kills: does an engine that lives on keep its size? */
export const calmBatches = 4;

/**
 * Runs a company of pretended workers over many tasks, its engine killed time and again at durable steps that `seed` chooses, and
 * holds the ledger against what happened outside (S82). Runs that ended are compacted as it goes on.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const bus = unwrap(await openBus(options.place));
  const engine = new KilledEngine(options);
  const outside = new PretendedOutside(options.folder, options.seed);
  const runs = Math.max(1, Math.round(options.tasks / batchCount / tasksOfRun));
  const batches: BatchReport[] = [];
  const problems: string[] = [];
  try {
    engine.start();
    for (let batch = 1; batch <= batchCount; batch += 1) {
      if (batch === batchCount - calmBatches + 1) await engine.letLive();
      const submitted = await submitRuns(bus, options.seed, batch, runs);
      await awaitPublished(bus, submitted, engine.failed);
      const happenings = outside.happenings();
      for (const run of submitted) problems.push(...(await problemsOfRun(bus, run, happenings)));
      await completeRuns(bus, submitted, engine.failed);
      unwrap(
        await bus.compact({
          closedBefore: Date.now() + 1000,
          streams: submitted.flatMap((run) => [run, `${run}/progress`]),
        }),
      );
      const storeBytes = await options.storeSize();
      batches.push({
        batch,
        kills: engine.kills,
        engine: await engine.resources(),
        client: resourcesInUse(),
        storeBytes,
      });
      options.onBatch?.(batches.at(-1)!);
    }
    problems.push(...(await leftovers(bus)));
  } finally {
    await engine.stop();
    await bus.close();
  }
  return { tasks: runs * batchCount * tasksOfRun, kills: engine.kills, problems, batches };
}

async function leftovers(bus: AgentBus): Promise<readonly string[]> {
  const queues = unwrap(await bus.queues()).filter(({ waiting, leased, delayed }) => waiting + leased + delayed > 0);
  const letters = unwrap(await bus.deadLetters());
  return [
    ...queues.map(({ queue }) => `queue ${queue} still holds something`),
    ...letters.map(({ id, queue, error }) => `dead letter ${id} of queue ${queue}: ${error.code}`),
  ];
}
