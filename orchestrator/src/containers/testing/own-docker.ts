import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { unwrap } from '@agentcompany/protocol';
import type { ContainerEngine } from '../container-engine.ts';
import { carryImage } from '../docker-api/carry-image.ts';
import { engineSocket } from '../dod/engine-address.ts';
import { openDockerEngine } from '../dod/open-engine.ts';
import { clearFolder, hasEnded } from './clear-folder.ts';

const folderName = /^ac-docker-(\d+)-/;
const startMs = 90_000;

export interface OwnDockerOptions {
  /** OCI runtimes beside runc, as in daemon.json. */
  readonly runtimes?: Readonly<Record<string, { readonly path: string; readonly runtimeArgs?: readonly string[] }>>;
  /** Whether containers outlive a daemon that ends. */
  readonly liveRestore?: boolean;
}

/** What a killed test process left: folders whose name holds the number of a process that is gone. */
async function clearLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = folderName.exec(name)?.[1];
    if (owner !== undefined && hasEnded(Number(owner))) await clearFolder(join(tmpdir(), name));
  }
}

/** Starts a program and resolves when its log, kept in `logFile`, says `sign`. Rejects with the log when it ends before. */
async function startLogging(command: readonly string[], logFile: string, sign: string): Promise<ChildProcess> {
  const [program = '', ...rest] = command;
  const child = spawn(program, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr.pipe(createWriteStream(logFile, { flags: 'a' }));
  const stop = new AbortController();
  const lines = createInterface({ input: child.stderr });
  const said = new Promise<boolean>((resolve) => {
    lines.on('line', (line) => (line.includes(sign) ? resolve(true) : undefined));
    child.once('exit', () => resolve(false));
    const late = setTimeout(() => resolve(false), startMs);
    stop.signal.addEventListener('abort', () => clearTimeout(late));
  });
  const isUp = await said.finally(() => stop.abort());
  if (isUp) return child;
  child.kill('SIGKILL');
  throw new Error(`${program} did not start:\n${readFileSync(logFile, 'utf8').slice(-4000)}`);
}

/**
 * A dockerd of a test's own, on folders of its own and beside a containerd of its own, without a network and reached by a
 * socket file: it may be restarted and killed. As on a server, containerd and the shims outlive a dockerd that is killed.
 * Needs root and the packages of Docker.
 */
export class OwnDocker {
  readonly folder: string;
  readonly socket: string;
  /** What `DOCKER_HOST` would say. */
  readonly dockerHost: string;
  readonly engine: ContainerEngine;
  #daemon: ChildProcess | null = null;

  private constructor(folder: string) {
    this.folder = folder;
    this.socket = join(folder, 'docker.sock');
    this.dockerHost = `unix://${this.socket}`;
    this.engine = unwrap(openDockerEngine({ dockerHost: this.dockerHost }));
  }

  /** Starts containerd and dockerd; resolves once the daemon answers. Call `close` at the end. */
  static async open(options: OwnDockerOptions = {}): Promise<OwnDocker> {
    await clearLeftovers();
    const folder = await mkdtemp(join(tmpdir(), `ac-docker-${process.pid}-`));
    const docker = new OwnDocker(folder);
    try {
      const containerd = containerdSettings(folder);
      await writeFile(join(folder, 'containerd.toml'), containerd);
      await writeFile(join(folder, 'daemon.json'), JSON.stringify(daemonSettings(folder, docker.dockerHost, options)));
      const command = ['containerd', '--config', join(folder, 'containerd.toml')];
      await startLogging(command, join(folder, 'containerd.log'), 'containerd successfully booted');
      await docker.start();
      return docker;
    } catch (problem) {
      await docker.close();
      throw problem;
    }
  }

  /** The process id of the running daemon. */
  get pid(): number {
    const pid = this.#daemon?.pid;
    if (pid === undefined) throw new Error('the daemon is not running');
    return pid;
  }

  /** Starts the daemon again after `terminate` or `kill`; resolves once it answers. */
  async start(): Promise<void> {
    if (this.#daemon !== null) throw new Error('the daemon is running');
    // The number in the file of a killed daemon may be another process's by now.
    await rm(join(this.folder, 'docker.pid'), { force: true });
    const command = ['dockerd', '--config-file', join(this.folder, 'daemon.json')];
    this.#daemon = await startLogging(command, join(this.folder, 'dockerd.log'), 'API listen on');
    unwrap(await this.engine.ping());
  }

  /** SIGTERM, as `systemctl stop` does: without live-restore the daemon ends its containers first. */
  terminate(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** SIGKILL: containers live on under their shims. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** `terminate`, then `start`. */
  async restart(): Promise<void> {
    await this.terminate();
    await this.start();
  }

  /** Carries an image in from another engine (by default the machine's own, `DOCKER_HOST`), by its id or name; returns its id. */
  async loadImage(reference: string, from: string | null = process.env['DOCKER_HOST'] ?? null): Promise<string> {
    const source = unwrap(openDockerEngine({ dockerHost: from }));
    const { id } = unwrap(await source.imageInspect(reference));
    const carried = { from: unwrap(engineSocket(from)), to: this.socket, image: id };
    return unwrap(await carryImage(carried)).id;
  }

  /** Ends daemons and containers, and removes all they wrote. */
  async close(): Promise<void> {
    await clearFolder(this.folder);
    this.#daemon = null;
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const daemon = this.#daemon;
    if (daemon === null) return;
    const ended = once(daemon, 'exit');
    daemon.kill(signal);
    await ended;
    this.#daemon = null;
  }
}

function daemonSettings(folder: string, address: string, { runtimes = {}, liveRestore = false }: OwnDockerOptions) {
  return {
    'data-root': join(folder, 'data'),
    'exec-root': join(folder, 'exec'),
    'pidfile': join(folder, 'docker.pid'),
    'hosts': [address],
    'containerd': join(folder, 'containerd.sock'),
    'bridge': 'none',
    'iptables': false,
    'ip6tables': false,
    'cgroup-parent': `/${basename(folder)}`,
    'live-restore': liveRestore,
    'log-level': 'info',
    runtimes,
  };
}

function containerdSettings(folder: string): string {
  return [
    'version = 2',
    `root = "${folder}/containerd/root"`,
    `state = "${folder}/containerd/state"`,
    'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
    '[grpc]',
    `  address = "${folder}/containerd.sock"`,
    '',
  ].join('\n');
}
