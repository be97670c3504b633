import { once } from 'node:events';
import { link, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RootlessPlace } from './engine-sockets.ts';
import { rootlessSocket } from './open-engine.ts';

async function runtimeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ac-sockets-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'podman'));
  return folder;
}

async function listen(path: string): Promise<void> {
  const server = createServer((client) => client.end()).listen(path);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
}

/** A socket file whose server is gone: a second name of it stays. */
async function leaveBehind(path: string): Promise<void> {
  const server = createServer().listen(`${path}.first`);
  await once(server, 'listening');
  await link(`${path}.first`, path);
  server.close();
  await once(server, 'close');
}

const place = (folder: string, change: Partial<RootlessPlace> = {}): RootlessPlace => ({
  environment: { XDG_RUNTIME_DIR: folder },
  // No such user: nothing can answer in its own runtime folder.
  uid: 4_000_000_000,
  systemd: false,
  isInstalled: () => true,
  ...change,
});

describe('the socket of a rootless engine', () => {
  it('is the first of the usual ones where something answers, not one that was left behind', async () => {
    const folder = await runtimeFolder();
    await leaveBehind(join(folder, 'podman', 'podman.sock'));
    await listen(join(folder, 'docker.sock'));
    expect(await rootlessSocket(place(folder))).toEqual({ ok: true, value: join(folder, 'docker.sock') });
    await rm(join(folder, 'podman', 'podman.sock'));
    await listen(join(folder, 'podman', 'podman.sock'));
    expect(await rootlessSocket(place(folder))).toEqual({ ok: true, value: join(folder, 'podman', 'podman.sock') });
  });

  it('is the named one and no other, even where another answers', async () => {
    const folder = await runtimeFolder();
    await listen(join(folder, 'docker.sock'));
    const environment = { XDG_RUNTIME_DIR: folder, CONTAINER_HOST: `unix://${folder}/mine.sock` };
    expect(await rootlessSocket(place(folder, { environment }))).toMatchObject({
      error: {
        code: 'AC_ROOTLESS_STOPPED',
        message: `no rootless container engine answers at ${folder}/mine.sock`,
        remedy: `Start it: podman system service --time=0 unix://${folder}/mine.sock &`,
      },
    });
    const remote = { CONTAINER_HOST: 'ssh://elsewhere/run/podman.sock' };
    expect(await rootlessSocket(place(folder, { environment: remote }))).toMatchObject({
      error: { code: 'AC_ENGINE_ADDRESS', message: expect.stringContaining('ssh://elsewhere') },
    });
  });

  it('where nothing answers, says how to start what is installed, or what to install', async () => {
    const folder = await runtimeFolder();
    const docker = (program: string): boolean => program === 'dockerd-rootless.sh';
    expect(await rootlessSocket(place(folder, { isInstalled: docker }))).toMatchObject({
      error: { code: 'AC_ROOTLESS_STOPPED', remedy: expect.stringContaining('dockerd-rootless.sh') },
    });
    expect(await rootlessSocket(place(folder, { isInstalled: () => false }))).toMatchObject({
      error: { code: 'AC_ROOTLESS_ABSENT', remedy: expect.stringContaining('apt-get install podman') },
    });
  });
});
