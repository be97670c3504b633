import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareImage } from './image.mjs';

let root: string;
let server: Server;
/** What the engine says to a build; `null` once it is done and has the image. */
let buildError: string | null;
const seen: string[] = [];

/** An engine of three calls: inspect an image, build one, and nothing else. */
async function startEngine(): Promise<void> {
  const images = new Set<string>();
  server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://engine');
    let body = '';
    request.setEncoding('latin1').on('data', (text: string) => (body += text));
    request.on('end', () => {
      seen.push(`${request.method} ${url.pathname}`);
      const inspected = /^\/images\/(.+)\/json$/.exec(url.pathname)?.[1];
      if (request.method === 'GET' && inspected !== undefined) {
        if (images.has(inspected)) response.end('{"Id":"sha256:0123"}');
        else response.writeHead(404).end('{"message":"no such image"}');
      } else if (
        request.method === 'POST' &&
        url.pathname === '/build' &&
        body.startsWith('Dockerfile\0') &&
        body.includes('gitconfig\0')
      ) {
        if (buildError === null) images.add(url.searchParams.get('t') ?? '');
        response.end(`{"stream":"Step 1"}\n${buildError === null ? '' : JSON.stringify({ error: buildError })}\n`);
      } else response.writeHead(400).end('{"message":"not expected"}');
    });
  });
  server.listen(join(root, 'engine.sock'));
  await once(server, 'listening');
}

const prepare = (): Promise<string[]> =>
  prepareImage(root, {
    socket: join(root, 'engine.sock'),
    env: {},
    yes: true,
    mayInstall: false,
    lockFd: null,
    say: () => {},
  });
const record = (): { reference: string; id: string; recipe: string } =>
  JSON.parse(readFileSync(join(root, '.cache', 'worker-image.json'), 'utf8'));

describe('the worker image', () => {
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'image-'));
    seen.length = 0;
    buildError = null;
    mkdirSync(join(root, 'worker-image', 'image'), { recursive: true });
    for (const name of ['Dockerfile', 'gitconfig']) writeFileSync(join(root, 'worker-image', 'image', name), name);
    await startEngine();
  });
  afterEach(async () => {
    await new Promise((done) => server.close(done));
    rmSync(root, { recursive: true, force: true });
  });

  it('is built where a registry is reachable, put on record, and not built again', async () => {
    await prepare();
    const { reference, id, recipe } = record();
    expect(id).toBe('sha256:0123');
    expect(reference).toBe(`agentcompany-worker:${recipe.slice(0, 16)}`);
    await prepare();
    expect(seen.filter((call) => call === 'POST /build')).toHaveLength(1);
  });

  it('is another one when its recipe changes', async () => {
    await prepare();
    const before = record().reference;
    writeFileSync(join(root, 'worker-image', 'image', 'gitconfig'), 'other');
    await prepare();
    expect(record().reference).not.toBe(before);
    expect(seen.filter((call) => call === 'POST /build')).toHaveLength(2);
  });

  it('is named unavailable, with both ways to have it and no record, where neither way is open', async () => {
    await prepare();
    writeFileSync(join(root, 'worker-image', 'image', 'gitconfig'), 'other');
    buildError = 'dial tcp: lookup failed';
    await expect(prepare()).rejects.toMatchObject({
      code: 'AC_IMAGE_UNAVAILABLE',
      exitCode: 4,
      message: expect.stringContaining('dial tcp: lookup failed'),
      remedy: expect.stringMatching(
        /docker build -t agentcompany-worker:[0-9a-f]{16} [^]*sudo node scripts\/launch\.mjs setup/,
      ),
    });
    expect(existsSync(join(root, '.cache', 'worker-image.json'))).toBe(false);
  });
});
