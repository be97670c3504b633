import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { unwrap } from '@agentcompany/protocol';
import type { ContainerEngine } from '../container-engine.ts';
import { carryImage } from '../docker-api/carry-image.ts';
import { DockerEngine } from '../docker-api/docker-engine.ts';
import { engineSocket } from '../dod/engine-address.ts';
import { openDockerEngine } from '../dod/open-engine.ts';
import { clearFolder, hasEnded } from './clear-folder.ts';
import { plainUser, spawnAs, type PlainUser } from './plain-user.ts';
import { workerImage } from './worker-fixture.ts';

const folderName = /^ac-podman-(\d+)-/;
const startMs = 60_000;
const stepMs = 50;

/** What works without systemd, and without a lock that all Podmans of a user share. */
const containersConf = `[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
`;

const storageConf = (folder: string): string => `[storage]
driver = "overlay"
graphroot = "${folder}/storage"
runroot = "${folder}/run/containers"
`;

/** What a killed test process left: folders whose name holds the number of a process that is gone. */
async function clearLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = folderName.exec(name)?.[1];
    if (owner !== undefined && hasEnded(Number(owner))) await clearPodman(join(tmpdir(), name));
  }
}

/** Podman keeps a process that holds its name spaces; it does not name the folder. */
async function clearPodman(folder: string): Promise<void> {
  const pid = Number(await readFile(join(folder, 'run', 'libpod', 'tmp', 'pause.pid'), 'utf8').catch(() => ''));
  await clearFolder(folder, pid > 0 ? [pid] : []);
}

/** A Podman of a test's own: a plain user's, on folders of its own, reached by a socket file. */
export class RootlessPodman {
  readonly folder: string;
  readonly socket: string;
  readonly user: PlainUser;
  readonly engine: ContainerEngine;

  private constructor(folder: string, user: PlainUser) {
    this.folder = folder;
    this.user = user;
    this.socket = join(folder, 'run', 'podman', 'podman.sock');
    this.engine = new DockerEngine(this.socket);
  }

  /** Starts the service; resolves once it answers. Call `close` at the end. */
  static async open(): Promise<RootlessPodman> {
    await clearLeftovers();
    const user = await plainUser();
    const folder = await mkdtemp(join(tmpdir(), `ac-podman-${process.pid}-`));
    const podman = new RootlessPodman(folder, user);
    try {
      await podman.#start();
      return podman;
    } catch (problem) {
      await podman.close();
      throw problem;
    }
  }

  /** What the user who runs this Podman has in the environment. */
  get environment(): Record<string, string> {
    return { HOME: join(this.folder, 'home'), XDG_RUNTIME_DIR: join(this.folder, 'run') };
  }

  async #start(): Promise<void> {
    const { folder, user } = this;
    await chmod(folder, 0o711);
    const configuration = join(folder, 'home', '.config', 'containers');
    for (const part of [configuration, join(folder, 'run', 'podman'), join(folder, 'storage')])
      await mkdir(part, { recursive: true });
    await writeFile(join(configuration, 'containers.conf'), containersConf);
    await writeFile(join(configuration, 'storage.conf'), storageConf(folder));
    for (const part of ['home', 'home/.config', 'home/.config/containers', 'run', 'run/podman', 'storage'])
      await chown(join(folder, part), user.uid, user.gid);
    await chmod(join(folder, 'run'), 0o700);
    const command = ['podman', 'system', 'service', '--time=0', `unix://${this.socket}`];
    const service = spawnAs(user, command, { cwd: folder, environment: this.environment });
    const log = join(folder, 'podman.log');
    for (const output of [service.stdout, service.stderr]) output?.pipe(createWriteStream(log, { flags: 'a' }));
    const ended = once(service, 'exit').then(() => true);
    const limit = performance.now() + startMs;
    while (!(await this.engine.ping()).ok) {
      const isOver = await Promise.race([ended, pause(stepMs, performance.now() > limit)]);
      if (isOver) throw new Error(`podman did not start:\n${readFileSync(log, 'utf8').slice(-4000)}`);
    }
  }

  /** Carries the machine's worker image in; returns a reference to it. */
  async loadWorkerImage(): Promise<string> {
    const dockerHost = process.env['DOCKER_HOST'] ?? null;
    const image = await workerImage(unwrap(openDockerEngine({ dockerHost })));
    return unwrap(await carryImage({ from: unwrap(engineSocket(dockerHost)), to: this.socket, image })).id;
  }

  /** Ends the service, its containers and helpers, and removes all they wrote. */
  async close(): Promise<void> {
    await clearPodman(this.folder);
  }
}
