import fc from 'fast-check';
import type { ContractOptions } from '../support.ts';
import { InstanceClient, ProcessClient } from './clients.ts';
import { command } from './commands.ts';
import { ModelRun } from './model-run.ts';

export interface BusModelOptions extends ContractOptions {
  /** How many random runs; 40 where absent, which takes ten to twenty seconds. */
  readonly runs?: number;
  /** Repeats the runs of a failure, which prints its seed; a new one where absent. */
  readonly seed?: number;
}

/** Steps of one run. */
const longestRun = 60;
/** Milliseconds after which a failure is no longer shrunk: what was found by then is told. */
const patience = 240_000;

/**
 * Random interleavings of two instances in this process and two processes that are killed between their calls and in them, against a
 * model in memory: after each step the answer and everything that can be seen must be the model's. A failure is shrunk and printed with
 * its seed. Registers one test.
 */
export function busModelContract({ it, create, runs = 40, seed }: BusModelOptions): void {
  it('C3 S65 S73 S82 random interleavings of instances and processes that are killed do what the model does', async () => {
    const clients = [new InstanceClient(), new ProcessClient(), new InstanceClient(), new ProcessClient()];
    const property = fc.asyncProperty(fc.array(command, { maxLength: longestRun, size: 'max' }), async (commands) => {
      const store = await create();
      const run = new ModelRun(clients);
      try {
        await run.open(store);
        for (const each of commands) await run.step(each);
      } finally {
        await run.close();
        await store.dispose();
      }
    });
    try {
      await fc.assert(property, {
        numRuns: runs,
        interruptAfterTimeLimit: patience,
        markInterruptAsFailure: true,
        ...(seed === undefined ? {} : { seed }),
      });
    } finally {
      for (const client of clients) await client.end();
    }
  });
}

/** The `runs` and `seed` that `BUS_MODEL_RUNS` and `BUS_MODEL_SEED` of an environment ask for. */
export function modelOptions(
  environment: Readonly<Record<string, string | undefined>>,
): Pick<BusModelOptions, 'runs' | 'seed'> {
  const [runs, seed] = [environment['BUS_MODEL_RUNS'], environment['BUS_MODEL_SEED']];
  return {
    ...(runs === undefined ? {} : { runs: Number(runs) }),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  };
}
