import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findCaches } from '../orchestrator/src/containers/package-caches.ts';
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

  it('C9 S5 listens on the loopback interface alone, and has no other way than that', async () => {
    const origin = await startOrigin({ hosts: [host], handle: (_, response) => response.end('the answer') });
    const script = `
      import { readFileSync } from 'node:fs';
      import { get } from 'node:http';
      import { connect } from 'node:net';
      const said = async (url, options) => { try { const got = await fetch(url, options); return got.status + ' ' + (await got.text()).slice(0, 80); } catch (error) { return 'failed: ' + (error.cause?.message ?? error.message); } };
      const tables = ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((name) => readFileSync('/proc/net/' + name, 'utf8').trim().split('\\n').slice(1));
      const listening = tables.map((line) => line.trim().split(/\\s+/)).filter(([,, , state]) => state === '0A' || state === '07');
      console.log('LISTENING', JSON.stringify(listening.map(([, local]) => local.split(':')[0])));
      console.log('DIRECT', await new Promise((resolve) => connect({ host: '93.184.215.14', port: 443 }).on('error', (error) => resolve(error.code)).on('connect', () => resolve('connected'))));
      console.log('ALLOWED', await said('https://${host}/x'));
      console.log('POST', await said('https://${host}/x', { method: 'POST', body: 'x' }));
      console.log('CANARY', await said('https://${host}/x?${canary}'));
      console.log('OTHER', await said('https://other.example.org/'));
      console.log('METADATA', await said('https://169.254.169.254/'));
      console.log('PLAIN', await new Promise((resolve) => get(process.env.http_proxy, { path: 'http://${host}/', headers: { host: '${host}' } }, async (answer) => resolve(answer.statusCode + ' ' + (await answer.toArray()).join('')))));`;
    const { work, facts } = await workerWithWayOut({ 'probe.mjs': script }, origin, [rule(host)]);
    const said = outputOf(await work('node probe.mjs'));
    const lineOf = (name: string): string => new RegExp(`^${name} (.*)$`, 'm').exec(said)?.[1] ?? said;
    expect(lineOf('LISTENING')).toBe('["0100007F"]');
    expect(lineOf('DIRECT')).toBe('ENETUNREACH');
    expect(lineOf('ALLOWED')).toBe('200 the answer');
    expect(lineOf('POST')).toContain(`405 agentcompany: ${host}: this method`);
    expect(lineOf('CANARY')).toContain(`403 agentcompany: ${host}: the request holds a secret`);
    expect(lineOf('OTHER')).toMatch(/^failed: /);
    expect(lineOf('METADATA')).toMatch(/^failed: /);
    expect(lineOf('PLAIN')).toMatch(/^403 agentcompany: only https/);
    const reasons = facts.filter(({ event }) => event === 'refused').map(({ reason }) => reason);
    // Node's fetch asks a proxy that refuses many times.
    expect(new Set(reasons)).toEqual(new Set(['host', 'method', 'name', 'port', 'secret']));
  });

  it('S5 C9 has no proxy, no variable and no listener where the order has no way out', async () => {
    const fixture = await WorkerFixture.open();
    onTestFinished(() => fixture.close());
    const said = await fixture.probe('env | grep -i -c proxy; tail -n +2 /proc/net/tcp | wc -l; ls -d /caches 2>&1');
    expect(said).toMatch(/^0\n0\n.*No such file/s);
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
