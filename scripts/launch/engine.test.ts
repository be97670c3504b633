import { chmodSync, linkSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server, type ServerResponse } from 'node:http';
import { createServer, type Server as NetServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { detectEngine, engineFailure, engineSocket } from './engine.mjs';

const limited = { Name: 'host', ServerVersion: '20.10', MemoryLimit: true, PidsLimit: true, CpuCfsQuota: true };
let folder: string;
let socket: string;
const servers: (Server | NetServer)[] = [];

/** A socket that answers like an engine; anything but `GET /info` is a 404, as there. */
async function engine(answer: (response: ServerResponse) => void): Promise<void> {
  const server = createHttpServer((request, response) => {
    if (request.method === 'GET' && request.url === '/info') answer(response);
    else response.writeHead(404).end('{"message":"page not found"}');
  });
  servers.push(server);
  server.listen(socket);
  await once(server, 'listening');
}

function installed(...names: string[]): void {
  for (const name of names) {
    writeFileSync(join(folder, name), '#!/bin/sh\n');
    chmodSync(join(folder, name), 0o755);
  }
}

async function codeOf(): Promise<string> {
  const state = await detectEngine({ env: {}, socket, path: folder });
  if (state.status === 'ready') return 'ready';
  const failure = engineFailure(state);
  expect(failure.exitCode).toBe(4);
  expect(failure.message).not.toContain('\n');
  expect(failure.remedy).not.toBe('');
  return failure.code;
}

describe('the states of a container engine', () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'engine-'));
    socket = join(folder, 'docker.sock');
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => new Promise((done) => server.close(done))));
    rmSync(folder, { recursive: true, force: true });
  });

  it('absent: no socket and no engine on the PATH, whatever else is there', async () => {
    installed('podman', 'git');
    expect(await codeOf()).toBe('AC_ENGINE_ABSENT');
  });

  it('stopped: an engine on the PATH but no socket', async () => {
    installed('dockerd', 'docker');
    expect(await codeOf()).toBe('AC_ENGINE_STOPPED');
  });

  it('stopped: a socket that nobody listens on', async () => {
    const server = createServer();
    server.listen(socket);
    await once(server, 'listening');
    const left = `${socket}.left`;
    linkSync(socket, left);
    await new Promise((done) => server.close(done));
    renameSync(left, socket);
    expect(await codeOf()).toBe('AC_ENGINE_STOPPED');
  });

  it('forbidden: the socket is there and closed to this user', async () => {
    await engine((response) => response.end(JSON.stringify(limited)));
    chmodSync(socket, 0);
    // Root passes every permission bit, so as root the question is asked as nobody.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534);
    try {
      expect(await codeOf()).toBe('AC_ENGINE_FORBIDDEN');
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  it('forbidden: the engine itself refuses', async () => {
    await engine((response) => response.writeHead(403).end('{"message":"not you"}'));
    expect(await codeOf()).toBe('AC_ENGINE_FORBIDDEN');
  });

  it.each(['MemoryLimit', 'PidsLimit', 'CpuCfsQuota'] as const)(
    'without limits: %s is false or missing',
    async (control) => {
      let info: Record<string, unknown> = { ...limited, [control]: false };
      await engine((response) => response.end(JSON.stringify(info)));
      expect(await codeOf()).toBe('AC_ENGINE_NO_LIMITS');
      info = { ...limited };
      delete info[control];
      expect(await codeOf()).toBe('AC_ENGINE_NO_LIMITS');
    },
  );

  it('ready: answers and enforces limits', async () => {
    await engine((response) => response.end(JSON.stringify(limited)));
    expect(await codeOf()).toBe('ready');
  });

  it('stopped: answers with an error, or with something that is no engine', async () => {
    let broken = (response: ServerResponse): unknown => response.writeHead(500).end('{"message":"containerd is gone"}');
    await engine((response) => void broken(response));
    const state = await detectEngine({ env: {}, socket, path: folder });
    expect(state).toMatchObject({ status: 'stopped', detail: expect.stringContaining('containerd is gone') });
    broken = (response) => response.end('<html>');
    expect(await codeOf()).toBe('AC_ENGINE_STOPPED');
  });

  it('takes the socket DOCKER_HOST names, and refuses what is not a Unix socket', async () => {
    expect(engineSocket({ DOCKER_HOST: 'unix:///run/other.sock' })).toBe('/run/other.sock');
    const state = await detectEngine({ env: { DOCKER_HOST: 'tcp://127.0.0.1:2375' } });
    expect(state.status).toBe('unsupported');
  });

  it('finds a rootless socket where the system has none', () => {
    writeFileSync(socket, '');
    expect(engineSocket({ XDG_RUNTIME_DIR: folder }, join(folder, 'none.sock'))).toBe(socket);
    expect(engineSocket({}, join(folder, 'none.sock'))).toBe(join(folder, 'none.sock'));
  });
});
