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
    child = await run({ ...durable, dir: folder, ...place, ...options.settings, ...settings });
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

/** Resolves when the server says that it takes connections. */
function run(settings: Readonly<Record<string, string>>): Promise<ChildProcess> {
  const parameters = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn('redis-server', parameters, { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    const said: string[] = [];
    child.once('error', (cause) =>
      reject(new Error('redis-server cannot be started: install it (Debian: redis-server)', { cause })),
    );
    child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}:\n${said.join('\n')}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (said.length < 100) said.push(line);
      if (/ready to accept connections/i.test(line)) resolve(child);
    });
  });
}

/** A port of 127.0.0.1 on which nobody listens at present. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
