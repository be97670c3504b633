import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { unwrap } from '@agentcompany/protocol';
import type { ContainerEngine } from '../container-engine.ts';
import { carryImage } from '../docker-api/carry-image.ts';
import { DockerEngine } from '../docker-api/docker-engine.ts';
import { engineSocket } from '../dod/engine-address.ts';
import { openDockerEngine } from '../dod/open-engine.ts';
import { clearFolder, hasEnded } from './clear-folder.ts';
import { plainUser, spawnAs, type PlainUser } from './plain-user.ts';
import { workerImage } from './worker-fixture.ts';

/** Not the temporary folder of this run: of what lies under longer names, Podman complains (`AC_PODMAN_RUN_ROOT`). */
const shortTemporaryFolder = '/tmp';

const run = promisify(execFile);
const folderName = /^ac-rootless-(\d+)-/;
const startMs = 60_000;
const stepMs = 50;

/** How one kind of engine is started in a folder of its own. */
interface Kind {
  /** Below the folder. */
  readonly socket: string;
  /** Content by path below the folder. */
  readonly files: (folder: string) => Readonly<Record<string, string>>;
  readonly command: (folder: string, socket: string) => readonly string[];
  readonly environment: (folder: string) => Readonly<Record<string, string>>;
}

const systemFolders = [
  '/usr/bin',
  '/usr/sbin',
  '/usr/local/bin',
  '/usr/libexec/podman',
  '/usr/share/docker.io/contrib',
];
const isThere = (program: string): boolean => systemFolders.some((folder) => existsSync(join(folder, program)));

const missingOf = (...programs: readonly string[]): readonly string[] =>
  programs.filter((program) => !isThere(program));

/** Programs that this machine lacks of those that `RootlessEngine.podman` and `.docker` start. */
export const missingPrograms = {
  podman: missingOf('podman', 'newuidmap', 'catatonit'),
  docker: missingOf('dockerd', 'newuidmap', 'rootlesskit', 'dockerd-rootless.sh'),
} as const;
export const hasRootlessPodman = missingPrograms.podman.length === 0;
export const hasRootlessDocker = missingPrograms.docker.length === 0;

const podmanKind = (runRoot: string): Kind => ({
  socket: 'run/podman/podman.sock',
  files: (folder) => ({
    // What works without systemd, and without a lock that all Podmans of a user share.
    'home/.config/containers/containers.conf':
      '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nlock_type = "file"\n',
    'home/.config/containers/storage.conf': `[storage]\ndriver = "overlay"\ngraphroot = "${folder}/data"\nrunroot = "${folder}/${runRoot}"\n`,
  }),
  command: (_folder, socket) => ['podman', 'system', 'service', '--time=0', `unix://${socket}`],
  environment: () => ({}),
});

const dockerKind: Kind = {
  socket: 'run/docker.sock',
  files: () => ({}),
  command: (folder, socket) => {
    const places = ['--data-root', `${folder}/data`, '--exec-root', `${folder}/run/docker`];
    const network = ['--bridge=none', '--iptables=false', '--ip6tables=false'];
    const own = ['--host', `unix://${socket}`, '--pidfile', `${folder}/run/docker.pid`];
    return ['sh', '/usr/share/docker.io/contrib/dockerd-rootless.sh', ...own, ...places, ...network];
  },
  // No network for containers is asked, so none needs to be made for the engine: that takes /dev/net/tun.
  environment: (folder) => ({
    DOCKERD_ROOTLESS_ROOTLESSKIT_NET: 'host',
    DOCKERD_ROOTLESS_ROOTLESSKIT_PORT_DRIVER: 'none',
    DOCKERD_ROOTLESS_ROOTLESSKIT_FLAGS: `--state-dir=${folder}/run/rootlesskit`,
  }),
};

/** What a killed test process left: folders whose name holds the number of a process that is gone. */
async function clearLeftovers(): Promise<void> {
  for (const name of await readdir(shortTemporaryFolder)) {
    const owner = folderName.exec(name)?.[1];
    if (owner !== undefined && hasEnded(Number(owner))) await clear(join(shortTemporaryFolder, name));
  }
}

/** Podman keeps a process that holds its name spaces; it does not name the folder. */
async function clear(folder: string): Promise<void> {
  const pid = Number(await readFile(join(folder, 'run', 'libpod', 'tmp', 'pause.pid'), 'utf8').catch(() => ''));
  try {
    await clearFolder(folder, pid > 0 ? [pid] : []);
  } catch (problem) {
    if (process.getuid?.() === 0) throw problem;
    // Files of subordinate users: only in their name space may this user remove them.
    await run('unshare', ['--map-root-user', '--map-auto', 'rm', '-rf', folder]);
  }
}

/** An engine of a test's own that a plain user runs, on folders of its own, without a network, reached by a socket file. */
export class RootlessEngine {
  readonly folder: string;
  readonly socket: string;
  readonly engine: ContainerEngine;
  readonly #kind: Kind;
  readonly #user: PlainUser;

  private constructor(kind: Kind, folder: string, user: PlainUser) {
    this.folder = folder;
    this.socket = join(folder, kind.socket);
    this.engine = new DockerEngine(this.socket);
    this.#kind = kind;
    this.#user = user;
  }

  /** Starts Podman's service; resolves once it answers. Call `close` at the end. `runRoot`: below the folder. */
  static podman(runRoot = 'run/containers'): Promise<RootlessEngine> {
    return RootlessEngine.#open(podmanKind(runRoot));
  }

  /** The same with Docker, which takes the package rootlesskit. */
  static docker(): Promise<RootlessEngine> {
    return RootlessEngine.#open(dockerKind);
  }

  static async #open(kind: Kind): Promise<RootlessEngine> {
    await clearLeftovers();
    const user = await plainUser();
    const folder = await mkdtemp(join(shortTemporaryFolder, `ac-rootless-${process.pid}-`));
    const engine = new RootlessEngine(kind, folder, user);
    try {
      await engine.#prepare();
      await engine.#start();
      return engine;
    } catch (problem) {
      await engine.close();
      throw problem;
    }
  }

  /** What the user who runs it has in the environment. */
  get environment(): Record<string, string> {
    return { HOME: join(this.folder, 'home'), XDG_RUNTIME_DIR: join(this.folder, 'run') };
  }

  async #prepare(): Promise<void> {
    const { folder, socket } = this;
    await chmod(folder, 0o711);
    for (const part of ['home', 'data', 'run']) await mkdir(join(folder, part));
    const files = Object.entries(this.#kind.files(folder)).map(([name, text]) => [join(folder, name), text] as const);
    for (const file of [socket, ...files.map(([name]) => name)]) await mkdir(dirname(file), { recursive: true });
    for (const [file, text] of files) await writeFile(file, text);
    for (const part of await readdir(folder, { recursive: true }))
      await chown(join(folder, part), this.#user.uid, this.#user.gid);
    await chmod(join(folder, 'run'), 0o700);
  }

  async #start(): Promise<void> {
    const { folder, socket } = this;
    const environment = { ...this.environment, ...this.#kind.environment(folder) };
    const service = spawnAs(this.#user, this.#kind.command(folder, socket), { cwd: folder, environment });
    const log = join(folder, 'engine.log');
    for (const output of [service.stdout, service.stderr]) output?.pipe(createWriteStream(log, { flags: 'a' }));
    const ended = once(service, 'exit').then(() => true);
    const limit = performance.now() + startMs;
    while (!(await this.engine.ping()).ok) {
      const isOver = await Promise.race([ended, pause(stepMs, performance.now() > limit)]);
      if (isOver) throw new Error(`the engine did not start:\n${readFileSync(log, 'utf8').slice(-4000)}`);
    }
  }

  /** Carries the machine's worker image in; returns its id. */
  async loadWorkerImage(): Promise<string> {
    const dockerHost = process.env['DOCKER_HOST'] ?? null;
    const image = await workerImage(unwrap(openDockerEngine({ dockerHost })));
    return unwrap(await carryImage({ from: unwrap(engineSocket(dockerHost)), to: this.socket, image })).id;
  }

  /** Ends the service, its containers and helpers, and removes all they wrote. */
  async close(): Promise<void> {
    await clear(this.folder);
  }
}
