import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { canary, closed, openEgressDoor, request, rule } from '../testing/egress-door.ts';
import { publicAddress, startOrigin } from '../testing/origin.ts';

const host = 'registry.example.org';
const packages = {
  hosts: [host],
  handle: (_: unknown, response: { end(text: string): unknown }) => void response.end('the package'),
};

describe('an inspected connection', { timeout: 30_000 }, () => {
  it('S44 lets a GET out, made anew, to the checked address, and puts it on record with its answer', async () => {
    const origin = await startOrigin(packages);
    const { ask, facts } = await openEgressDoor({ network: origin.network, allow: [rule(host)] });
    const headers = ['User-Agent: npm', 'Cookie: a=b', 'Authorization: Bearer x', 'X-Any: y', 'Accept: */*'];
    const said = await ask(`${host}:443`, request('GET', '/left-pad?x=1', host, ...headers));
    expect(said).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(said).toContain('the package');
    expect(origin.connections).toEqual([`${publicAddress}:443`]);
    expect(origin.asked).toMatchObject([{ method: 'GET', url: '/left-pad?x=1', host }]);
    const sent = Object.keys(origin.asked[0]?.headers ?? {});
    expect(sent.toSorted()).toEqual(['accept', 'connection', 'host', 'user-agent']);
    expect(JSON.stringify(origin.asked[0]?.headers)).not.toContain('npm');
    expect(facts).toMatchObject([
      { event: 'opened', host, port: 443, inspected: true },
      { event: 'answered', method: 'GET', path: '/left-pad?x=1', status: 200, received_bytes: 11, reason: null },
    ]);
  });

  it.each([
    ['the query', request('GET', `/search?q=${canary}`, host)],
    ['the path', request('GET', `/${canary}/x`, host)],
    ['the path, percent-encoded', request('GET', `/${canary.replaceAll('a', '%61').replaceAll('7', '%37')}`, host)],
    ['the path, in base64', request('GET', `/${Buffer.from(`x${canary}`).toString('base64url')}`, host)],
    ['the path, reversed', request('GET', `/${[...canary].toReversed().join('')}`, host)],
    ['User-Agent', request('GET', '/', host, `User-Agent: ${canary}`)],
    ['a header that would not go out', request('GET', '/', host, `X-Note: ${Buffer.from(canary).toString('hex')}`)],
    ['a cookie', request('GET', '/', host, `Cookie: a=${canary}`)],
    ['a POST', request('POST', '/', host, `Content-Length: ${canary.length}`) + canary],
  ])('S44 refuses a secret in %s, reaches nobody, and writes nothing of it down', async (_, text) => {
    const origin = await startOrigin(packages);
    const { ask, facts, refused } = await openEgressDoor({
      network: origin.network,
      allow: [rule(host, { methods: ['GET', 'POST'] })],
    });
    expect(await ask(`${host}:443`, text)).toMatch(/^HTTP\/1.1 403 /);
    expect(refused()).toEqual(['secret']);
    expect([origin.asked, origin.connections]).toEqual([[], []]);
    expect(JSON.stringify(facts)).not.toMatch(/canary|7f3a91c2/);
  });

  it('S44 refuses a secret in a label of the name, which is then not even resolved', async () => {
    const origin = await startOrigin(packages);
    const { refusal, facts } = await openEgressDoor({ network: origin.network, allow: [rule('*.example.org')] });
    expect(await refusal(`${canary}.example.org:443`)).toMatchObject({ status: 403 });
    expect(origin.lookups).toEqual([]);
    expect(facts).toMatchObject([{ event: 'refused', reason: 'secret', host: '', port: null }]);
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'BREW'])(
    'S44 refuses %s where only GET is allowed',
    async (method) => {
      const origin = await startOrigin(packages);
      const { ask, refused } = await openEgressDoor({ network: origin.network, allow: [rule(host)] });
      const said = await ask(`${host}:443`, request(method, '/publish', host, 'Content-Length: 0'));
      expect(said).toMatch(/^HTTP\/1.1 (405|400) /);
      expect(refused()).toEqual([method === 'BREW' ? 'malformed' : 'method']);
      expect(origin.asked).toEqual([]);
    },
  );

  it.each([
    ['/other', 'path'],
    ['/groupie/x', 'path'],
    ['/group/../other', 'path'],
    ['/group/%2e%2e/other', 'path'],
    ['/group/..%2fother', 'path'],
    ['/group/%252e%252e/other', 'path'],
    ['/group/..%5cother', 'path'],
    ['/group/%00', 'path'],
    ['//evil.example.org/group/', 'path'],
    ['https://evil.example.org/group/', 'target'],
    [`https://${host}/group/`, 'target'],
    ['*', 'target'],
    [`/group/${'x'.repeat(3000)}`, 'target'],
  ])('S44 refuses %s where only /group is allowed', async (target, reason) => {
    const origin = await startOrigin(packages);
    const { ask, refused } = await openEgressDoor({
      network: origin.network,
      allow: [rule(host, { paths: ['/group'] })],
    });
    expect(await ask(`${host}:443`, request('GET', target, host))).toMatch(/^HTTP\/1.1 4/);
    expect(refused()).toEqual([reason]);
    expect(origin.asked).toEqual([]);
  });

  it.each(['/group', '/group/', '/group/a%2fb', '/group/x?y=/../..'])(
    'lets %s out where /group is allowed',
    async (target) => {
      const origin = await startOrigin(packages);
      const { ask } = await openEgressDoor({ network: origin.network, allow: [rule(host, { paths: ['/group'] })] });
      expect(await ask(`${host}:443`, request('GET', target, host))).toContain('the package');
      expect(origin.asked).toMatchObject([{ url: target }]);
    },
  );

  const get = (...lines: readonly string[]): string => [...lines, '', ''].join('\r\n');
  it.each([
    ['another Host', get('GET / HTTP/1.1', 'Host: evil.example.org'), 'host_header'],
    ['two Hosts', get('GET / HTTP/1.1', `Host: ${host}`, 'Host: evil.example.org'), 'host_header'],
    ['no Host', get('GET / HTTP/1.1'), 'host_header'],
    ['a Host with another port', get('GET / HTTP/1.1', `Host: ${host}:8443`), 'host_header'],
    [
      'an absolute address and another Host',
      get(`GET https://${host}/ HTTP/1.1`, 'Host: evil.example.org'),
      'host_header',
    ],
    ['a line end in a header', get('GET / HTTP/1.1', `Host: ${host}`, 'Accept: a\rX: b'), 'malformed'],
    ['a line end in the target', get(`GET /\rX HTTP/1.1`, `Host: ${host}`), 'malformed'],
    ['a bare line feed in a header', `GET / HTTP/1.1\r\nHost: ${host}\r\nAccept: a\n\tb\r\n\r\n`, 'malformed'],
    ['a space before a colon', get('POST / HTTP/1.1', `Host: ${host}`, 'Content-Length : 5'), 'malformed'],
    ['two lengths', get('POST / HTTP/1.1', `Host: ${host}`, 'Content-Length: 5', 'Content-Length: 6'), 'malformed'],
    [
      'length and chunks',
      get('POST / HTTP/1.1', `Host: ${host}`, 'Content-Length: 5', 'Transfer-Encoding: chunked'),
      'malformed',
    ],
    [
      'a disguised encoding',
      get('POST / HTTP/1.1', `Host: ${host}`, 'Transfer-Encoding: xchunked', 'Content-Length: 5'),
      'malformed',
    ],
    [
      'a GET with a body',
      get('GET / HTTP/1.1', `Host: ${host}`, 'Content-Length: 40') + 'GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n  ',
      'body',
    ],
    ['a GET in chunks', get('GET / HTTP/1.1', `Host: ${host}`, 'Transfer-Encoding: chunked') + '0\r\n\r\n', 'body'],
    ['HTTP/0.9', 'GET /\r\n\r\n', 'host_header'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'malformed'],
    ['CONNECT inside', get(`CONNECT ${host}:22 HTTP/1.1`, `Host: ${host}`), null],
  ])('S45 refuses %s: what goes out is one sound request or none', async (_, text, reason) => {
    const origin = await startOrigin(packages);
    const { ask, refused } = await openEgressDoor({
      network: origin.network,
      allow: [rule(host, { methods: ['GET', 'POST'] })],
    });
    const said = await ask(`${host}:443`, text);
    expect(said).toMatch(/^(HTTP\/1.1 4|$)/);
    expect(refused()[0] ?? null).toBe(reason);
    expect([origin.asked, origin.connections]).toEqual([[], []]);
  });

  it('S45 hands a redirect on as it is, and refuses where it leads', async () => {
    const origin = await startOrigin({
      hosts: [host],
      handle: (_, response) => response.writeHead(302, { location: 'https://169.254.169.254/latest/meta-data/' }).end(),
    });
    const { ask, refusal, refused } = await openEgressDoor({ network: origin.network, allow: [rule(host)] });
    const said = await ask(`${host}:443`, request('GET', '/', host));
    expect(said).toContain('location: https://169.254.169.254/');
    expect(await refusal('169.254.169.254:443')).toMatchObject({ status: 400 });
    expect(await refusal('metadata.example.org:443')).toMatchObject({ status: 403 });
    expect(refused()).toEqual(['name', 'host']);
    expect(origin.connections).toEqual([`${publicAddress}:443`]);
  });

  it.each([
    ['another name', { serverName: 'evil.example.org' }, 'server_name'],
    ['no name', { serverName: '' }, 'server_name'],
  ])('S45 ends at a handshake with %s', async (_, how, reason) => {
    const origin = await startOrigin(packages);
    const { ask, refused } = await openEgressDoor({ network: origin.network, allow: [rule(host)] });
    expect(await ask(`${host}:443`, request('GET', '/', host), how)).toBe('');
    expect(refused()).toEqual([reason]);
    expect(origin.connections).toEqual([]);
  });

  it('ends at what is no TLS', async () => {
    const origin = await startOrigin(packages);
    const { connect: ask, refused } = await openEgressDoor({ network: origin.network, allow: [rule(host)] });
    const stream = ask(`${host}:443`);
    stream.write(request('GET', '/', host));
    stream.resume();
    await closed(stream);
    expect(refused()).toEqual(['not_tls']);
    expect(origin.connections).toEqual([]);
  });

  it('S44 stops where the attempt has sent, or received, what it may, over all its connections', async () => {
    const handle = (_: unknown, response: ServerResponse): void => {
      // Without a word of how much will come.
      response.write('x'.repeat(30_000));
      response.end();
    };
    const origin = await startOrigin({ hosts: [host], handle });
    const { ask, refused, facts, egress } = await openEgressDoor({
      network: origin.network,
      allow: [rule(host, { methods: ['GET', 'POST'] })],
      settings: { upload_bytes: 2000, download_bytes: 70_000 },
    });
    const post = (bytes: number): string => request('POST', '/', host, `Content-Length: ${bytes}`) + 'y'.repeat(bytes);
    expect(await ask(`${host}:443`, post(2500))).toMatch(/^HTTP\/1.1 413 /);
    expect(await ask(`${host}:443`, post(1000))).toMatch(/^HTTP\/1.1 200 /);
    expect(await ask(`${host}:443`, post(1000))).toMatch(/^HTTP\/1.1 413 /);
    expect(await ask(`${host}:443`, request('GET', '/', host))).toMatch(/^HTTP\/1.1 200 /);
    expect((await ask(`${host}:443`, request('GET', '/', host))).length).toBeLessThan(20_000);
    await egress.close();
    // What comes again is counted at the end.
    expect(refused()).toEqual(['upload', 'download', 'upload']);
    expect(facts.reduce((sum, { received_bytes }) => sum + received_bytes, 0)).toBeLessThanOrEqual(70_000);
  });

  it('S44 refuses what is announced to be more than may come, in words, before a byte of it', async () => {
    const size = 30_000;
    const handle = (_: unknown, response: ServerResponse): void => void response.end('x'.repeat(size));
    const origin = await startOrigin({ hosts: [host], handle });
    const rules = [rule(host, { download_bytes: size + 100 })];
    const { ask, facts, egress } = await openEgressDoor({ network: origin.network, allow: rules });
    for (const method of ['GET', 'HEAD'])
      expect(await ask(`${host}:443`, request(method, '/', host))).toContain(' 200 ');
    const words = `agentcompany: ${host}: the attempt would get more than it may`;
    const said = await ask(`${host}:443`, request('GET', '/', host));
    expect(said).toContain(`HTTP/1.1 403 ${words}`);
    expect(said.split('\r\n\r\n')[1]).toContain(words);
    await egress.close();
    expect(facts.at(-1)).toMatchObject({ event: 'refused', reason: 'download', status: 200, received_bytes: 0 });
  });

  it('tells the worker of a host that is not who it says, and sends it nothing', async () => {
    const origin = await startOrigin(packages);
    const { authorities: _, ...network } = origin.network;
    const { ask, refused } = await openEgressDoor({ network, allow: [rule(host)] });
    expect(await ask(`${host}:443`, request('GET', '/', host))).toMatch(/^HTTP\/1.1 502 /);
    expect(refused()).toEqual(['unreachable']);
    expect(origin.asked).toEqual([]);
  });

  it('tells the worker of a host where nobody listens', async () => {
    const origin = await startOrigin(packages);
    const nobody = createServer().listen(0, '127.0.0.1');
    await once(nobody, 'listening');
    const { port } = nobody.address() as AddressInfo;
    nobody.close();
    await once(nobody, 'close');
    const network = { ...origin.network, connect: () => connect(port, '127.0.0.1') };
    const { ask, refused } = await openEgressDoor({ network, allow: [rule(host)] });
    expect(await ask(`${host}:443`, request('GET', '/', host))).toMatch(/^HTTP\/1.1 502 /);
    expect(refused()).toEqual(['unreachable']);
  });

  it('carries what is larger than every window, no faster than it is read, both requests of one connection', async () => {
    const size = 4_000_000;
    const origin = await startOrigin({ hosts: [host], handle: (_, response) => response.end(Buffer.alloc(size, 'z')) });
    const { secure, facts, egress } = await openEgressDoor({ network: origin.network, allow: [rule(host)] });
    const socket = await secure(`${host}:443`);
    socket.write(`GET /1 HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await once(socket, 'readable');
    expect(facts.map(({ event }) => event)).toEqual(['opened']);
    let total = 0;
    socket.on('data', (chunk: Buffer) => {
      const wasOne = total < size;
      total += chunk.length;
      if (wasOne && total >= size) socket.write(request('GET', '/2', host));
    });
    await closed(socket);
    await egress.close();
    expect(total).toBeGreaterThan(2 * size);
    expect(facts.map(({ path, received_bytes }) => [path, received_bytes])).toEqual([
      [null, 0],
      ['/1', size],
      ['/2', size],
    ]);
  });

  it('bounds how often an attempt may ask in one connection', async () => {
    const origin = await startOrigin(packages);
    const { ask, refused } = await openEgressDoor({
      network: origin.network,
      allow: [rule(host)],
      limits: { requests: 2 },
    });
    const once = `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    expect(await ask(`${host}:443`, once + once + once)).toContain('HTTP/1.1 429 ');
    expect(refused()).toEqual(['too_many']);
    expect(origin.asked).toHaveLength(2);
  });
});
