import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { create } from 'tar';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetchPackage } from './package-cache.ts';
import { parsePackageName } from './package-name.ts';

/** What the registry under test says of a package's archive. */
interface Offer {
  readonly archive: Buffer;
  readonly integrity: string;
}

let folder: string;
let server: Server;
let registry: string;
let requests = 0;
const offers = new Map<string, Offer>();

const digest = (content: Buffer): string => `sha512-${createHash('sha512').update(content).digest('base64')}`;

/** A package registry on this machine, in the part of its protocol that npm needs. */
async function startRegistry(): Promise<void> {
  server = createServer((request, response) => {
    requests += 1;
    const [, name = '', archive] = decodeURIComponent(request.url ?? '').split('/');
    const offer = offers.get(name);
    if (offer === undefined) response.writeHead(404).end('{"error":"not found"}');
    else if (archive !== undefined) response.end(offer.archive);
    else {
      const version = {
        name,
        version: '1.0.0',
        dist: { tarball: `${registry}/${name}/-.tgz`, integrity: offer.integrity },
      };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ name, 'dist-tags': { latest: '1.0.0' }, 'versions': { '1.0.0': version } }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address === 'string' || address === null) throw new Error('no port');
  registry = `http://127.0.0.1:${address.port}`;
}

async function archiveOf(name: string): Promise<Buffer> {
  const source = path.join(folder, name, 'package');
  mkdirSync(source, { recursive: true });
  writeFileSync(
    path.join(source, 'package.json'),
    JSON.stringify({ name, version: '1.0.0', scripts: { prepack: 'exit 1', prepare: 'exit 1' } }),
  );
  await create({ file: path.join(folder, `${name}.tgz`), cwd: path.join(folder, name), gzip: true }, ['package']);
  return readFileSync(path.join(folder, `${name}.tgz`));
}

const fetch = (name: string, address = registry) =>
  fetchPackage(unwrap(parsePackageName(`${name}@1.0.0`)), {
    cacheFolder: path.join(folder, 'demo-cache'),
    environment: {
      ...process.env,
      npm_config_registry: address,
      npm_config_cache: path.join(folder, 'npm-cache'),
      npm_config_userconfig: '/dev/null',
    },
    signal: new AbortController().signal,
  });

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'demo-cache-'));
  offers.clear();
  requests = 0;
  await startRegistry();
});
afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('fetching a package', { timeout: 60_000 }, () => {
  it('takes the archive that the registry describes, once', async () => {
    const archive = await archiveOf('fine');
    offers.set('fine', { archive, integrity: digest(archive) });
    const fetched = unwrap(await fetch('fine'));
    expect(fetched).toMatchObject({ integrity: digest(archive), wasCached: false });
    expect(readFileSync(fetched.file)).toEqual(archive);
    const before = requests;
    expect(unwrap(await fetch('fine'))).toEqual({ ...fetched, wasCached: true });
    expect(requests).toBe(before);
    expect(readdirSync(path.join(folder, 'demo-cache'))).toHaveLength(2);
  });

  it('does not trust a cached archive that was changed', async () => {
    const archive = await archiveOf('changed');
    offers.set('changed', { archive, integrity: digest(archive) });
    const { file } = unwrap(await fetch('changed'));
    writeFileSync(file, 'something else');
    expect(unwrap(await fetch('changed')).wasCached).toBe(false);
    expect(readFileSync(file)).toEqual(archive);
  });

  it('refuses an archive that is not what the registry described', async () => {
    offers.set('forged', { archive: await archiveOf('forged'), integrity: digest(Buffer.from('another')) });
    expect(await fetch('forged')).toMatchObject({ ok: false, error: { code: 'AC_DEMO_PACKAGE_UNREADABLE' } });
    expect(readdirSync(path.join(folder, 'demo-cache'))).toEqual([]);
  });

  it('says that the registry does not know a package, or not this version', async () => {
    expect(await fetch('nowhere')).toMatchObject({ ok: false, error: { code: 'AC_DEMO_PACKAGE_UNKNOWN' } });
    const archive = await archiveOf('fine');
    offers.set('fine', { archive, integrity: digest(archive) });
    const name = unwrap(parsePackageName('fine@9.9.9'));
    const environment = {
      ...process.env,
      npm_config_registry: registry,
      npm_config_cache: path.join(folder, 'npm-cache'),
    };
    const other = await fetchPackage(name, { cacheFolder: folder, environment, signal: new AbortController().signal });
    expect(other).toMatchObject({ ok: false, error: { code: 'AC_DEMO_PACKAGE_UNKNOWN' } });
  });

  it('says that the registry cannot be reached', async () => {
    server.close();
    expect(await fetch('fine')).toMatchObject({
      ok: false,
      error: { code: 'AC_DEMO_REGISTRY_UNREACHABLE', retry: 'later' },
    });
  });
});
