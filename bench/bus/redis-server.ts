import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Redis } from 'ioredis';

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  readonly close: () => Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');
  return address.port;
}

/** A client of the server at `url` that is connected. */
export async function connectRedis(url: string): Promise<Redis> {
  const client = new Redis(url, { maxRetriesPerRequest: null, lazyConnect: true });
  await client.connect();
  return client;
}

/** What is acknowledged is synced before; rewriting the log is left out, for it would fall on one side or the other. */
const settings = {
  'bind': '127.0.0.1',
  'save': '',
  'appendonly': 'yes',
  'appendfsync': 'always',
  'auto-aof-rewrite-percentage': '0',
  'maxmemory-policy': 'noeviction',
};

/** Starts a `redis-server` of our own that syncs at every write, its files in a new folder `redis` of `folder`. */
export async function startRedis(folder: string): Promise<RedisServer> {
  const directory = join(folder, 'redis');
  await mkdir(directory);
  const port = await freePort();
  const options = Object.entries({ ...settings, port: String(port), dir: directory }).flatMap(([name, value]) => [
    `--${name}`,
    value,
  ]);
  const child = spawn('redis-server', options, { stdio: ['ignore', 'ignore', 'inherit'] });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = new Promise<void>((resolve, reject) => {
    child.once('exit', () => resolve());
    child.once('error', (cause) => reject(new Error('redis-server cannot be started; install it', { cause })));
  });
  const url = `redis://127.0.0.1:${port}`;
  const client = await Promise.race([connectWhenReady(url), ended.then(() => null)]);
  if (client === null) throw new Error('redis-server ended at once');
  client.disconnect();
  const close = async (): Promise<void> => {
    process.removeListener('exit', kill);
    kill();
    await ended;
  };
  return { port, url, close };
}

async function connectWhenReady(url: string): Promise<Redis> {
  const client = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 20 });
  client.on('error', () => undefined);
  await client.ping();
  return client;
}
