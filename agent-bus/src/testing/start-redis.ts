import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface StartRedisOptions {
  /** Settings of the server over those of a durable one, e.g. `{ appendfsync: 'everysec' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Listens on a free port of 127.0.0.1 instead of a socket file in its folder. */
  readonly port?: boolean;
}

/** A Redis server of a test, with a folder of its own. */
export interface RedisServer {
  /** Where it listens, for `openBus`; a `?namespace=` may be added. */
  readonly url: string;
  /** 0 where it listens on a socket file. */
  readonly port: number;
  /** What it keeps. */
  readonly folder: string;
  /** The running process. */
  process(): ChildProcess;
  /** Ends it with SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same data and address, after a `kill`; resolves when it takes connections. */
  start(settings?: Readonly<Record<string, string>>): Promise<void>;
  /** Ends it and removes its folder. */
  dispose(): Promise<void>;
}

const durable: Readonly<Record<string, string>> = {
  'appendonly': 'yes',
  'appendfsync': 'always',
  'no-appendfsync-on-rewrite': 'no',
  'maxmemory-policy': 'noeviction',
  'save': '',
  'daemonize': 'no',
  'logfile': '',
  'protected-mode': 'no',
};

/** Starts a real `redis-server` that keeps what it acknowledges. Throws where there is none: a test may not pass without it. */
export async function startRedis(options: StartRedisOptions = {}): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  const port = options.port === true ? await freePort() : 0;
  const socket = join(folder, 'redis.sock');
  const place =
    port === 0 ? { port: '0', unixsocket: socket, unixsocketperm: '700' } : { port: String(port), bind: '127.0.0.1' };
  let child: ChildProcess | null = null;
  const kill = async (): Promise<void> => {
    const ending = child;
    child = null;
    if (ending === null || ending.exitCode !== null || ending.signalCode !== null) return;
    const gone = once(ending, 'exit');
    ending.kill('SIGKILL');
    await gone;
  };
  const start = async (settings: Readonly<Record<string, string>> = {}): Promise<void> => {
    const all = { ...durable, dir: folder, ...place, ...options.settings, ...settings };
    child = await runServer(Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]));
  };
  await start();
  return {
    url: port === 0 ? `redis+unix://${socket}` : `redis://127.0.0.1:${port}`,
    port,
    folder,
    process: () => {
      if (child === null) throw new Error('the server does not run');
      return child;
    },
    kill,
    start,
    dispose: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const running = new Set<ChildProcess>();
// A test that fails in the middle leaves no server behind.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts `redis-server` with these parameters; resolves when it says that it is ready. */
export function runServer(parameters: readonly string[]): Promise<ChildProcess> {
  const child = spawn('redis-server', parameters, { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    const said: string[] = [];
    child.once('error', (cause) =>
      reject(new Error('redis-server cannot be started: install it (Debian: redis-server)', { cause })),
    );
    running.add(child);
    child.once('exit', (code) => {
      running.delete(child);
      reject(new Error(`redis-server ended with ${code}:\n${said.join('\n')}`));
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (said.length < 100) said.push(line);
      if (/ready to accept connections|Sentinel ID is/i.test(line)) resolve(child);
    });
  });
}

/** A port of 127.0.0.1 on which nobody listens at present. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
