import { memoryBytes, type Config } from './config.ts';
import type { WorkerLimits } from './containers/worker-container.ts';

const mebibyte = 1024 ** 2;

/** What one worker may use, by configuration. Workspace and temporary files lie in memory and count towards its limit. */
export function workerLimits(config: Config): WorkerLimits {
  return {
    memoryBytes: memoryBytes(config.worker_memory_limit),
    pids: 256,
    cpus: config.worker_cpus,
    workspaceBytes: 1024 * mebibyte,
    temporaryBytes: 256 * mebibyte,
  };
}
