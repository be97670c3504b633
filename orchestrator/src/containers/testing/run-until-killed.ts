import { setTimeout } from 'node:timers/promises';
import { unwrap } from '@agentcompany/protocol';
import { openDockerEngine } from '../dod/open-engine.ts';
import { createWorkerRunner } from '../sealed-worker-runner.ts';
import { labelNames } from '../worker-labels.ts';
import type { WorkerJob } from '../worker-runner.ts';

/**
 * A host process of its own for tests that kill it: runs one job, whose plain fields come as JSON in the first argument, then the
 * next one, if there is one, in the worker that waits by then. It prints each progress message as a line and lives until it is killed.
 */
setInterval(() => undefined, 60_000);
type PlainJob = Omit<WorkerJob, 'signal' | 'onCreated' | 'onProgress'>;

const { job, next, runner } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly job: PlainJob;
  readonly next?: PlainJob;
  readonly runner: {
    readonly acceptNoLimits: boolean;
    readonly defaultImage: string;
    readonly instance: string;
    readonly runtimeFolder: string;
  };
};
const engine = unwrap(openDockerEngine({ dockerHost: process.env['DOCKER_HOST'] ?? null }));
const workers = createWorkerRunner({ engine, ...runner });

async function carryOut(plain: PlainJob): Promise<void> {
  await workers.run({
    ...plain,
    signal: new AbortController().signal,
    onCreated: () => Promise.resolve({ ok: true, value: undefined }),
    onProgress: (message) => void process.stdout.write(`${message}\n`),
  });
}

async function someoneWaits(): Promise<void> {
  const pollMs = 50;
  const isWaiting = async (): Promise<boolean> =>
    unwrap(await engine.list(runner.instance)).some(
      ({ labels, running }) => running && labels[labelNames.purpose] === 'warm',
    );
  while (!(await isWaiting())) await setTimeout(pollMs);
}

await carryOut(job);
if (next !== undefined) {
  await someoneWaits();
  process.stdout.write('next\n');
  await carryOut(next);
}
