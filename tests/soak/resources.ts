import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What a process takes, once it has given back what it no longer needs. */
export interface Resources {
  /** Bytes that are in use of its heap and beside it. */
  readonly memory: number;
  readonly descriptors: number;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

export function resourcesInUse(): Resources {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return { memory: heapUsed + external, descriptors: readdirSync('/proc/self/fd').length };
}
