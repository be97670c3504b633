import { existsSync } from 'node:fs';

const workerUid = 10_001;

/**
 * Kills every process of the container but this one and its init: what a command left behind, in whatever session.
 * Does nothing outside a worker's container, where "every process" would be those of the machine.
 */
export function endStrays(): void {
  const isSealed = process.getuid?.() === workerUid && existsSync('/opt/worker/runtime') && process.ppid === 1;
  if (!isSealed) return;
  try {
    process.kill(-1, 'SIGKILL');
  } catch {
    // ESRCH: there was no other process.
  }
}
