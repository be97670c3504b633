import { cpus as machineCpus } from 'node:os';

/** Where a company with an engine of its own keeps what is the engine's. */
export interface DindPlace {
  /** The uuid of the company home, or of a worker host's folder. */
  readonly instance: string;
  /** Absolute folder for the socket, made private when it is first used. */
  readonly exchangeFolder: string;
  /** Absolute folders that workers mount from; they exist. */
  readonly sharedFolders: readonly string[];
  /** Of the engine and all its workers together. */
  readonly limits: { readonly memoryBytes: number; readonly pids: number; readonly cpus: number };
}

const engineBytes = 1024 ** 3;
const enginePids = 1024;
const pidsOfWorker = 512;

/** What the engine may use with so many workers at once: theirs, and room for itself and the files it reads. */
export function outerLimits(workers: {
  readonly count: number;
  readonly memoryBytes: number;
  readonly cpus: number;
}): DindPlace['limits'] {
  const { count, memoryBytes, cpus } = workers;
  return {
    memoryBytes: count * memoryBytes + engineBytes,
    pids: count * pidsOfWorker + enginePids,
    // An engine takes no more than its machine has.
    cpus: Math.min(count * cpus + 1, machineCpus().length),
  };
}
