import { unwrap } from '@agentcompany/protocol';
import { openDockerEngine } from '../dod/open-engine.ts';
import { createWorkerRunner } from '../sealed-worker-runner.ts';
import type { WorkerJob } from '../worker-runner.ts';

/**
 * A host process of its own for tests that kill it: runs one job, whose plain fields come as JSON in the first argument,
 * and prints each progress message as a line. It lives until it is killed.
 */
setInterval(() => undefined, 60_000);
const { job, runner } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly job: Omit<WorkerJob, 'signal' | 'onCreated' | 'onProgress'>;
  readonly runner: {
    readonly acceptNoLimits: boolean;
    readonly defaultImage: string;
    readonly instance: string;
    readonly runtimeFolder: string;
  };
};
const engine = unwrap(openDockerEngine({ dockerHost: process.env['DOCKER_HOST'] ?? null }));
await createWorkerRunner({ engine, ...runner }).run({
  ...job,
  signal: new AbortController().signal,
  onCreated: () => Promise.resolve({ ok: true, value: undefined }),
  onProgress: (message) => void process.stdout.write(`${message}\n`),
});
