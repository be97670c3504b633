import { existsSync, readFileSync } from 'node:fs';
import { appendFile, chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { constants, createServer, type ServerHttp2Stream } from 'node:http2';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair, Transform } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DoorClient } from '../door-client.ts';
import { openSupplies, type SupplySurroundings } from './open-supplies.ts';
import { cacheEnvironment } from './package-caches.ts';

async function folderOf(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `agentcompany-${name}-`));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Hands on together what came within some milliseconds, as the standard input of a container does. */
function inPieces(): Transform {
  let waiting: Buffer[] = [];
  const flush = (stream: Transform): void => {
    const pieces = waiting;
    // What is pushed may be answered before it returns.
    waiting = [];
    if (pieces.length > 0) stream.push(Buffer.concat(pieces));
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (waiting.length === 0) setTimeout(() => flush(this), 20);
      waiting.push(chunk);
      done();
    },
    flush(done) {
      flush(this);
      done();
    },
  });
}

/** A door whose host answers CONNECT like this. */
function doorOf(onConnect: (stream: ServerHttp2Stream, authority: string) => void): DoorClient {
  const server = createServer();
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    onConnect(stream, headers[':authority'] ?? '');
  });
  const [near, outer] = duplexPair();
  const [inner, far] = duplexPair();
  outer.pipe(inner);
  inner.pipe(inPieces()).pipe(outer);
  server.emit('connection', far);
  const door = new DoorClient(near, () => undefined);
  onTestFinished(() => door.close());
  return door;
}

function around(folder: string, said: string[] = []): SupplySurroundings {
  return { folder, inherited: {}, say: (line) => void said.push(line) };
}

/** What a proxy says to a request, and what then comes through. */
function ask(
  proxy: string,
  method: string,
  path: string,
): Promise<{ status: number; message: string | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(proxy, { method, path, agent: false });
    asked.once('error', reject);
    asked.once('connect', (answer, socket, head) => {
      const chunks: Buffer[] = [head];
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.once('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          message: answer.statusMessage,
          text: Buffer.concat(chunks).toString(),
        }),
      );
      socket.end('hello');
    });
    asked.once('response', (answer) => {
      answer
        .toArray()
        .then(
          (chunks) => resolve({ status: answer.statusCode ?? 0, message: answer.statusMessage, text: chunks.join('') }),
          reject,
        );
    });
    asked.end();
  });
}

describe('the way out of a worker', () => {
  it('C9 is nothing, and listens nowhere, where the order has none', async () => {
    const folder = await folderOf('supplies');
    const door = doorOf(() => expect.unreachable());
    expect(await openSupplies({}, door, around(join(folder, 'none')))).toEqual({});
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });

  it('carries a connection both ways, and tells what the host refuses in its words', async () => {
    const asked: string[] = [];
    const said: string[] = [];
    const door = doorOf((stream, authority) => {
      asked.push(authority);
      if (authority.startsWith('no.')) {
        stream.respond({ ':status': 403 });
        // As the host does it: what the worker would still send is not read.
        stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR));
        return void stream.end(JSON.stringify({ problem: 'no.example: this host is not\r\nin egress_allow' }));
      }
      stream.respond({ ':status': 200 });
      return void stream.pipe(stream);
    });
    const { https_proxy: proxy = '' } = await openSupplies(
      { egress: { certificate: null } },
      door,
      around(await folderOf('supplies'), said),
    );
    expect(proxy).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await ask(proxy, 'CONNECT', 'yes.example:443')).toMatchObject({ status: 200, text: 'hello' });
    const refused = await ask(proxy, 'CONNECT', 'no.example:443');
    const words = 'agentcompany: no.example: this host is not  in egress_allow';
    expect(refused).toEqual({ status: 403, message: words, text: `${words}\n` });
    await ask(proxy, 'CONNECT', 'no.example:443');
    expect(asked).toEqual(['yes.example:443', 'no.example:443', 'no.example:443']);
    expect(said).toEqual(['not let out: no.example: this host is not  in egress_allow']);
  });

  it('S45 lets no plain HTTP out, and has the host told of it', async () => {
    const asked: string[] = [];
    const door = doorOf((stream, authority) => {
      asked.push(authority);
      // Even where the host would let it.
      stream.respond({ ':status': 200 });
      stream.end();
    });
    const { http_proxy: proxy = '' } = await openSupplies(
      { egress: { certificate: null } },
      door,
      around(await folderOf('supplies')),
    );
    const plain = await ask(proxy, 'GET', 'http://a.example/x');
    expect(plain).toMatchObject({ status: 403, text: 'agentcompany: only https is let out: plain HTTP is not\n' });
    expect(await ask(proxy, 'GET', '/x')).toMatchObject({ status: 400 });
    expect(await ask(proxy, 'GET', 'ftp://a.example/x')).toMatchObject({ status: 400 });
    expect(asked).toEqual(['a.example:80']);
  });

  it('ends a connection whose door is gone', async () => {
    const door = doorOf((stream) => stream.destroy());
    const { https_proxy: proxy = '' } = await openSupplies(
      { egress: { certificate: null } },
      door,
      around(await folderOf('supplies')),
    );
    await expect(ask(proxy, 'CONNECT', 'a.example:443')).rejects.toThrow('socket hang up');
  });

  it('has programs trust the authority of the order, each in its own way', async () => {
    const door = doorOf((stream) => stream.destroy());
    const environment = await openSupplies(
      { egress: { certificate: 'THE CERTIFICATE\n' } },
      door,
      around(await folderOf('supplies')),
    );
    expect(readFileSync(environment['NODE_EXTRA_CA_CERTS'] ?? '', 'utf8')).toBe('THE CERTIFICATE\n');
    for (const name of ['SSL_CERT_FILE', 'CURL_CA_BUNDLE', 'PIP_CERT', 'GIT_SSL_CAINFO', 'npm_config_cafile'])
      expect(readFileSync(environment[name] ?? '', 'utf8'), name).toContain('THE CERTIFICATE\n');
    expect(environment).toMatchObject({ GIT_CONFIG_COUNT: '2', NO_PROXY: '127.0.0.1,localhost,::1' });
  });
});

describe('package caches in a worker', () => {
  async function mounted(): Promise<string> {
    const root = await folderOf('caches');
    for (const folder of ['npm/index-v5/aa', 'npm/content-v2/sha512/aa/bb', 'pip', 'go'])
      await mkdir(join(root, folder), { recursive: true });
    await writeFile(join(root, 'npm/index-v5/aa/bucket'), 'line\n');
    await writeFile(join(root, 'npm/content-v2/sha512/aa/bb/cc'), 'package');
    await chmod(join(root, 'npm/content-v2/sha512/aa/bb/cc'), 0o444);
    return root;
  }

  it('give npm a cache it can write, in which the packages are those of the host', async () => {
    const root = await mounted();
    const folder = await folderOf('supplies');
    const { npm_config_cache: cache = '' } = await cacheEnvironment(folder, { hasWayOut: false, inherited: {}, root });
    expect(readFileSync(join(cache, '_cacache/content-v2/sha512/aa/bb/cc'), 'utf8')).toBe('package');
    await appendFile(join(cache, '_cacache/index-v5/aa/bucket'), 'more\n');
    await writeFile(join(cache, '_cacache/content-v2/sha512/aa/bb/dd'), 'another');
    expect(readFileSync(join(root, 'npm/index-v5/aa/bucket'), 'utf8')).toBe('line\n');
    expect(existsSync(join(root, 'npm/content-v2/sha512/aa/bb/dd'))).toBe(false);
  });

  it('are all there is where nothing is let out, and come first where something is', async () => {
    const root = await mounted();
    const GOPROXY = 'https://go.example.org';
    const inside = async (hasWayOut: boolean, inherited: Record<string, string> = {}, mountedAt = root) =>
      cacheEnvironment(await folderOf('supplies'), { hasWayOut, inherited, root: mountedAt });
    expect(await inside(false, { GOPROXY })).toMatchObject({
      npm_config_offline: 'true',
      PIP_NO_INDEX: '1',
      PIP_FIND_LINKS: `${root}/pip`,
      GOPROXY: `file://${root}/go,off`,
      GOSUMDB: 'off',
      GONOPROXY: 'none',
    });
    const open = await inside(true);
    expect(open).toMatchObject({
      npm_config_prefer_offline: 'true',
      GOPROXY: `file://${root}/go,https://proxy.golang.org,direct`,
    });
    for (const name of ['PIP_NO_INDEX', 'GOSUMDB', 'GONOPROXY']) expect(Object.keys(open)).not.toContain(name);
    expect((await inside(true, { GOPROXY }))['GOPROXY']).toBe(`file://${root}/go,${GOPROXY}`);
    expect(await inside(false, {}, '/nowhere')).toEqual({});
  });
});
