import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, runServer } from './start-redis.ts';

/** A sentinel of a test. */
export interface Sentinel {
  readonly port: number;
  /** For `openBus`. */
  readonly url: string;
  dispose(): Promise<void>;
}

/** Starts a real sentinel that watches the primary on `primaryPort` under the name `company` and needs no other to agree. */
export async function startSentinel(primaryPort: number): Promise<Sentinel> {
  const folder = await mkdtemp(join(tmpdir(), 'sentinel-'));
  const port = await freePort();
  const file = join(folder, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor company 127.0.0.1 ${primaryPort} 1`,
    'sentinel down-after-milliseconds company 400',
    'sentinel failover-timeout company 4000',
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  const child = await runServer([file, '--sentinel']);
  return {
    port,
    url: `redis+sentinel://127.0.0.1:${port}/company`,
    dispose: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
