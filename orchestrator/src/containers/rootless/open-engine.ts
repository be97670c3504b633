import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { failure, success, type AppError, type Result } from '@agentcompany/protocol';
import type { ContainerEngine } from '../container-engine.ts';
import { DockerEngine } from '../docker-api/docker-engine.ts';
import { containerErrors } from '../errors.ts';
import { namedAddress, startCommand, usualSockets, type RootlessPlace } from './engine-sockets.ts';
import { rootlessErrors } from './errors.ts';

/** Beside the PATH: where distributions put what only daemons and administrators call. */
const systemFolders = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/share/docker.io/contrib'];

/**
 * The engine that a plain user runs, Podman or Docker: at `CONTAINER_HOST` or `DOCKER_HOST`, else at the first of the usual
 * places where one answers. An engine that runs as root is refused, never used in its stead.
 * Errors: `AC_ROOTLESS_ABSENT`, `AC_ROOTLESS_STOPPED`, `AC_ROOTLESS_AS_ROOT`, `AC_ENGINE_ADDRESS`, `AC_ENGINE_FORBIDDEN`.
 */
export async function openRootlessEngine(options: {
  readonly environment: RootlessPlace['environment'];
  readonly ociRuntime?: string;
}): Promise<Result<ContainerEngine>> {
  const socket = await rootlessSocket(placeOf(options.environment));
  if (!socket.ok) return socket;
  const engine = new DockerEngine(socket.value, options.ociRuntime);
  const info = await engine.info();
  if (!info.ok) return info;
  return info.value.rootless ? success(engine) : failure(rootlessErrors.AC_ROOTLESS_AS_ROOT({ address: socket.value }));
}

function placeOf(environment: RootlessPlace['environment']): RootlessPlace {
  const folders = [...(environment['PATH'] ?? '').split(delimiter), ...systemFolders];
  return {
    environment,
    uid: process.getuid?.() ?? 0,
    systemd: existsSync('/run/systemd/system'),
    isInstalled: (program) => folders.some((folder) => folder !== '' && existsSync(join(folder, program))),
  };
}

/** The socket where an engine answers. Errors: as `openRootlessEngine`, but who runs it is not asked here. */
export async function rootlessSocket(place: RootlessPlace): Promise<Result<string>> {
  const named = namedAddress(place);
  const path = named === null ? null : /^unix:\/\/(\/.+)$/.exec(named)?.[1];
  if (path === undefined) return failure(containerErrors.AC_ENGINE_ADDRESS({ address: named ?? '' }));
  const candidates = path === null ? usualSockets(place) : [path];
  let refusal: AppError | null = null;
  for (const candidate of candidates) {
    const code = await connectionFailure(candidate);
    if (code === null) return success(candidate);
    if (code === 'EACCES' || code === 'EPERM')
      refusal ??= containerErrors.AC_ENGINE_FORBIDDEN({ address: candidate }, code);
  }
  return failure(refusal ?? stopped(place, candidates));
}

function stopped(place: RootlessPlace, candidates: readonly string[]): AppError {
  for (const address of candidates) {
    const command = startCommand(place, address);
    if (command !== null) return rootlessErrors.AC_ROOTLESS_STOPPED({ address, command });
  }
  return rootlessErrors.AC_ROOTLESS_ABSENT();
}

/** The system's name for why nothing answers at a socket; null: something does. */
function connectionFailure(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(null);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}
