import type { RunSettings } from '@agentcompany/protocol';
import type { WorkerLimits } from '../containers/worker-container.ts';

const mebibyte = 1024 ** 2;

/** What one worker of a run may use. Workspace and temporary files lie in memory and count towards its limit. */
export function workerLimits(settings: Pick<RunSettings, 'worker_memory_bytes' | 'worker_cpus'>): WorkerLimits {
  return {
    memoryBytes: settings.worker_memory_bytes,
    pids: 256,
    cpus: settings.worker_cpus,
    workspaceBytes: 1024 * mebibyte,
    temporaryBytes: 256 * mebibyte,
  };
}
