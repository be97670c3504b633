import { describe, expect, it } from 'vitest';
import { namedAddress, startCommand, usualSockets, type RootlessPlace } from './engine-sockets.ts';

const place: RootlessPlace = { environment: {}, uid: 1000, systemd: true, isInstalled: () => true };
const only = (program: string) => (asked: string) => asked === program;
const podmanSocket = '/run/user/1000/podman/podman.sock';

describe('where a rootless engine is looked for', () => {
  it('is the address that CONTAINER_HOST names, else DOCKER_HOST; empty is not named', () => {
    const both = { CONTAINER_HOST: 'unix:///a', DOCKER_HOST: 'unix:///b' };
    expect(namedAddress({ ...place, environment: both })).toBe('unix:///a');
    expect(namedAddress({ ...place, environment: { ...both, CONTAINER_HOST: '' } })).toBe('unix:///b');
    expect(namedAddress(place)).toBeNull();
  });

  it("is the user's runtime folder, Podman before Docker; a relative one is none", () => {
    expect(usualSockets({ ...place, environment: { XDG_RUNTIME_DIR: '/run/mine' } })).toEqual([
      '/run/mine/podman/podman.sock',
      '/run/mine/docker.sock',
      podmanSocket,
      '/run/user/1000/docker.sock',
    ]);
    const relative = { XDG_RUNTIME_DIR: 'mine' };
    expect(usualSockets({ ...place, environment: relative })).toEqual([podmanSocket, '/run/user/1000/docker.sock']);
    expect(usualSockets({ ...place, environment: { XDG_RUNTIME_DIR: '/run/user/1000' } })).toHaveLength(2);
  });

  const commands: readonly (readonly [Partial<RootlessPlace>, string, string | null])[] = [
    [{}, podmanSocket, 'systemctl --user enable --now podman.socket'],
    [{}, '/run/user/1000/docker.sock', 'systemctl --user start docker'],
    [{}, '/tmp/own.sock', 'podman system service --time=0 unix:///tmp/own.sock &'],
    [{ systemd: false }, podmanSocket, `podman system service --time=0 unix://${podmanSocket} &`],
    [{ uid: 0 }, '/x.sock', 'as a plain user, not as root: podman system service --time=0 unix:///x.sock &'],
    [{ isInstalled: only('dockerd-rootless.sh') }, '/x.sock', 'dockerd-rootless.sh -H unix:///x.sock &'],
    [{ isInstalled: only('podman') }, '/run/user/1000/docker.sock', null],
    [{ isInstalled: () => false }, podmanSocket, null],
  ];
  it.each(commands)('names the command that makes one answer: %o %s', (change, socket, command) => {
    expect(startCommand({ ...place, ...change }, socket)).toBe(command);
  });
});
