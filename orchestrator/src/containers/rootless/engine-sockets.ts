import { join } from 'node:path';

/** Where this process runs, as far as a rootless engine's place depends on it. */
export interface RootlessPlace {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  /** Whether systemd manages the services of this machine. */
  readonly systemd: boolean;
  readonly isInstalled: (program: string) => boolean;
}

/** The engine's address where a variable names it, else null. Podman's own variable comes first, for it means nothing else. */
export function namedAddress({ environment }: RootlessPlace): string | null {
  for (const name of ['CONTAINER_HOST', 'DOCKER_HOST']) {
    const value = environment[name];
    if (value !== undefined && value !== '') return value;
  }
  return null;
}

/** Where Podman and rootless Docker put their sockets unless told otherwise, in the order in which they are asked. */
export function usualSockets({ environment, uid }: RootlessPlace): readonly string[] {
  const folders = [environment['XDG_RUNTIME_DIR'], `/run/user/${uid}`].filter(
    (folder): folder is string => folder !== undefined && folder.startsWith('/'),
  );
  return [...new Set(folders)].flatMap((folder) => [
    join(folder, 'podman', 'podman.sock'),
    join(folder, 'docker.sock'),
  ]);
}

/** The command that makes an engine answer at `socket`; null: none is installed. */
export function startCommand(place: RootlessPlace, socket: string): string | null {
  const isUsual = usualSockets(place).includes(socket);
  const managed = place.systemd && isUsual && place.uid !== 0;
  const asUser = place.uid === 0 ? 'as a plain user, not as root: ' : '';
  if (place.isInstalled('podman') && !socket.endsWith('/docker.sock'))
    return managed
      ? 'systemctl --user enable --now podman.socket'
      : `${asUser}podman system service --time=0 unix://${socket} &`;
  if (place.isInstalled('dockerd-rootless.sh'))
    return managed ? 'systemctl --user start docker' : `${asUser}dockerd-rootless.sh -H unix://${socket} &`;
  return null;
}
