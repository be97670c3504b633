import { once } from 'node:events';
import type { ClientHttp2Stream } from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { describe, expect, it, vi } from 'vitest';
import { openTestDoor } from '../door/testing/open-test-door.ts';
import { closed, openEgressDoor, request, rule } from './testing/egress-door.ts';
import { publicAddress, startOrigin } from './testing/origin.ts';

const host = 'registry.example.org';
const handle = (_: unknown, response: { end(text: string): unknown }): void => void response.end('the answer');

describe('the way out', { timeout: 30_000 }, () => {
  it('S5 is none where the run has none: CONNECT is no route of the door', async () => {
    const { client } = await openTestDoor({});
    const stream = client.request({ ':method': 'CONNECT', ':authority': `${host}:443` });
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(headers[':status']).toBe(404);
  });

  it.each([
    ['169.254.169.254'],
    ['127.0.0.1'],
    ['10.1.2.3'],
    ['100.64.0.1'],
    ['::1'],
    ['::ffff:10.0.0.1'],
    ['64:ff9b::a9fe:a9fe'],
    ['2002:7f00:1::'],
    ['fd00:ec2::254'],
  ])('S45 does not reach a name that is %s, alone or beside a public address', async (address) => {
    const addresses = (name: string): readonly string[] => (name === host ? [address] : [publicAddress, address]);
    const origin = await startOrigin({ hosts: [host], handle, addresses });
    const { refusal, refused } = await openEgressDoor({ network: origin.network, allow: [rule('*.example.org')] });
    for (const name of [host, `both.example.org`]) expect(await refusal(`${name}:443`)).toMatchObject({ status: 403 });
    expect(refused()).toEqual(['address', 'address']);
    expect(origin.connections).toEqual([]);
  });

  it('S45 asks a name server once and connects to what it checked: the second answer is never used', async () => {
    const addresses = (_: string, number: number): readonly string[] => [
      number === 1 ? publicAddress : '169.254.169.254',
    ];
    const origin = await startOrigin({ hosts: [host], handle, addresses });
    const door = await openEgressDoor({ network: origin.network, allow: [rule(host)] });
    expect(await door.ask(`${host}:443`, request('GET', '/', host))).toContain('the answer');
    expect(origin.lookups).toEqual([host]);
    expect(origin.connections).toEqual([`${publicAddress}:443`]);
    expect(await door.refusal(`${host}:443`)).toMatchObject({ status: 403 });
    expect(origin.connections).toHaveLength(1);
    expect(door.refused()).toEqual(['address']);
  });

  it.each([
    [`${host}:22`, 'port'],
    [`${host}:80`, 'port'],
    ['other.example.org:443', 'host'],
    [`${host}.evil.org:443`, 'host'],
    ['127.0.0.1:443', 'name'],
    ['[::ffff:127.0.0.1]:443', 'name'],
    ['2130706433:443', 'name'],
    ['0x7f.1:443', 'name'],
    [host, 'name'],
  ])('S45 refuses CONNECT %s, and puts it on record', async (authority, reason) => {
    const origin = await startOrigin({ hosts: [host], handle });
    const { refusal, facts } = await openEgressDoor({ network: origin.network, allow: [rule(host)] });
    expect((await refusal(authority)).status).toBeGreaterThanOrEqual(400);
    expect(facts).toMatchObject([{ event: 'refused', reason }]);
    expect([origin.lookups, origin.connections]).toEqual([[], []]);
  });

  it('lets nothing out that cannot be put on record', async () => {
    const origin = await startOrigin({ hosts: [host], handle });
    const { refusal } = await openEgressDoor({
      network: origin.network,
      allow: [rule(host)],
      isRecording: () => false,
    });
    expect(await refusal(`${host}:443`)).toMatchObject({ status: 503 });
    expect(origin.connections).toEqual([]);
  });

  it('bounds connections at a time and in all, and what refusals leave on record', async () => {
    const origin = await startOrigin({ hosts: [host], handle });
    const limits = { openConnections: 2, connections: 3 };
    const { connect, refusal, facts, egress } = await openEgressDoor({
      network: origin.network,
      allow: [rule(host)],
      limits,
    });
    const opened = async (): Promise<ClientHttp2Stream> => {
      const stream = connect(`${host}:443`);
      const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
      expect(headers[':status']).toBe(200);
      return stream;
    };
    const first = await opened();
    await opened();
    expect(await refusal(`${host}:443`)).toMatchObject({ status: 429 });
    first.close();
    // The host hears of it a moment later.
    const third = await vi.waitFor(opened);
    third.close();
    for (let knock = 0; knock < 230; knock += 1) await refusal(`${host}:443`);
    await egress.close();
    const counted = facts.filter(({ reason }) => reason === 'too_many');
    expect(counted).toHaveLength(2);
    expect(counted.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThanOrEqual(231);
  });

  it('S45 writes down each refusal once, two hundred different ones, and counts the rest', async () => {
    const origin = await startOrigin({ hosts: [host], handle });
    const { refusal, facts, egress } = await openEgressDoor({ network: origin.network, allow: [rule(host)] });
    for (let knock = 0; knock < 210; knock += 1) await refusal(`h${knock}.example:443`);
    for (let knock = 0; knock < 3; knock += 1) await refusal('h7.example:443');
    expect(facts).toHaveLength(200);
    await egress.close();
    expect(facts.slice(200)).toMatchObject([
      { host: 'h7.example', count: 3 },
      { host: 'h209.example', count: 10 },
    ]);
  });
});

describe('a connection that is not looked into', { timeout: 30_000 }, () => {
  const opaque = [rule(host, { inspect: false })];

  it('is a tunnel of TLS to the host itself, with its bytes on record', async () => {
    const origin = await startOrigin({ hosts: [host], handle });
    const { ask, facts, egress } = await openEgressDoor({ network: origin.network, allow: opaque });
    expect(egress.certificate).toBeNull();
    const said = await ask(`${host}:443`, request('POST', '/', host, 'Content-Length: 0'), {
      trusted: origin.certificate,
    });
    expect(said).toContain('the answer');
    await egress.close();
    expect(facts).toMatchObject([{ event: 'opened', inspected: false }, { event: 'closed' }]);
    expect(facts[1]?.sent_bytes).toBeGreaterThan(300);
    expect(facts[1]?.received_bytes).toBeGreaterThan(500);
  });

  it.each([
    ['the name of another host it may serve', 'evil.example.org', 'server_name'],
    ['no name', '', 'server_name'],
  ])('S45 ends before it reaches anybody where its TLS has %s', async (_, serverName, reason) => {
    const origin = await startOrigin({ hosts: [host, 'evil.example.org'], handle });
    const { connect, refused } = await openEgressDoor({ network: origin.network, allow: opaque });
    const stream = connect(`${host}:443`);
    await once(stream, 'response');
    connectTls({ socket: stream, servername: serverName }).on('error', () => undefined);
    await closed(stream);
    expect(refused()).toEqual([reason]);
    expect(origin.connections).toEqual([]);
  });

  it.each([
    ['SSH', 'SSH-2.0-x\r\n'],
    ['HTTP', 'GET / HTTP/1.1\r\n\r\n'],
  ])('S45 ends at %s', async (_, words) => {
    const origin = await startOrigin({ hosts: [host], handle });
    const { connect, refused } = await openEgressDoor({ network: origin.network, allow: opaque });
    const stream = connect(`${host}:443`);
    stream.write(words);
    stream.resume();
    await closed(stream);
    expect(refused()).toEqual(['not_tls']);
    expect(origin.connections).toEqual([]);
  });

  it('ends where nothing is said', async () => {
    const origin = await startOrigin({ hosts: [host], handle });
    const { connect, refused } = await openEgressDoor({
      network: origin.network,
      allow: opaque,
      limits: { helloMs: 50 },
    });
    const stream = connect(`${host}:443`);
    stream.resume();
    await closed(stream);
    expect(refused()).toEqual(['silent']);
  });

  it('S44 is cut off where it has sent what it may', async () => {
    const origin = await startOrigin({ hosts: [host], handle });
    const { secure, facts, refused, egress } = await openEgressDoor({
      network: origin.network,
      allow: [rule(host, { inspect: false, upload_bytes: 20_000 })],
    });
    const socket = await secure(`${host}:443`, { trusted: origin.certificate });
    await once(socket, 'secureConnect');
    socket.write(request('POST', '/', host, 'Content-Length: 9000000') + 'x'.repeat(200_000));
    await closed(socket);
    await egress.close();
    expect(refused()).toEqual(['upload']);
    expect(facts.at(-1)?.sent_bytes).toBeLessThanOrEqual(20_000);
  });
});

describe('whatever a worker does to its connections', { timeout: 30_000 }, () => {
  const ways: readonly ((stream: ClientHttp2Stream, socket: TLSSocket) => void)[] = [
    (stream) => stream.close(8),
    (stream) => stream.destroy(),
    (stream) => stream.write('this is no TLS'),
    (stream) => stream.end(),
    (_, socket) => socket.end(),
    (_, socket) => socket.destroy(),
  ];

  it.each([
    ['inspected', true],
    ['not', false],
  ])('the host stays, its door goes on, and the way out ends: %s', async (_, inspect) => {
    const origin = await startOrigin({
      hosts: [host],
      handle: (_asked, response) => response.end(Buffer.alloc(200_000)),
    });
    const { connect, ask, egress, facts } = await openEgressDoor({
      network: origin.network,
      allow: [rule(host, { inspect })],
    });
    const trusted = egress.certificate ?? origin.certificate;
    const abuse = async (number: number): Promise<void> => {
      const stream = connect(`${host}:443`);
      await once(stream, 'response');
      const socket = connectTls({ socket: stream, servername: host, ca: [trusted] });
      socket.on('error', () => undefined).resume();
      for (let asked = 0; asked <= number % 12; asked += 1)
        socket.write(`GET /${asked} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      // Some before the handshake, some within an answer.
      if (number % 3 > 0)
        await Promise.race([once(socket, number % 3 === 1 ? 'secureConnect' : 'readable'), closed(stream)]);
      ways[number % ways.length]?.(stream, socket);
      stream.close();
    };
    for (let round = 0; round < 4; round += 1)
      await Promise.all(Array.from({ length: 12 }, (_none, index) => abuse(round * 12 + index)));
    expect(await ask(`${host}:443`, request('GET', '/', host), { trusted })).toMatch(/^HTTP\/1.1 200 /);
    await egress.close();
    expect(facts.filter(({ event }) => event === 'opened')).toHaveLength(49);
  });
});
