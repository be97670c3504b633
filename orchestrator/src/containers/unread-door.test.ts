import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { workOrder } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { defaultDoorLimits } from '../door/door-limits.ts';
import { openDoor } from '../door/open-door.ts';
import { demultiplex } from './docker-api/demultiplex.ts';
import { noServices } from '../door/attempt-services.ts';

const order = workOrder.parse({
  kind: 'verify',
  mirror: '/mirror.git',
  base_oid: '1'.repeat(40),
  command_timeout: 10,
  verify: [],
});

/** Both ends of a real socket: the host's and the engine's. */
async function sockets(): Promise<readonly [Socket, Socket]> {
  const folder = await mkdtemp(join(tmpdir(), 'agentcompany-socket-'));
  const path = join(folder, randomUUID().slice(0, 8));
  const { promise, resolve } = Promise.withResolvers<Socket>();
  const server = createServer({ allowHalfOpen: true }, resolve).listen(path);
  const near = createConnection({ path, allowHalfOpen: true });
  const far = await promise;
  server.close();
  onTestFinished(async () => {
    near.destroy();
    far.destroy();
    await rm(folder, { recursive: true });
  });
  return [near, far];
}

function framed(payload: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header[0] = 1;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** An HTTP/2 frame (RFC 9113 §4.1). */
function http2Frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const preface = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), http2Frame(4, 0, 0, Buffer.alloc(0))]);
const ping = http2Frame(6, 0, 0, Buffer.alloc(8));
/** `GET` of `/` by HPACK's static table (RFC 7541 appendix A), with END_STREAM and END_HEADERS. */
const request = (stream: number): Buffer => http2Frame(1, 5, stream, Buffer.from([0x82, 0x84, 0x86]));

describe('a worker that sends and never reads', () => {
  it('S10 is ended at its first rubbish, although the end of its stream cannot be delivered', async () => {
    const [near, far] = duplexPair();
    const { door: stream } = demultiplex(near as unknown as Socket, Buffer.alloc(0));
    const quiet = { bundleFile: null, differences: () => [], onProgress: () => undefined, services: noServices };
    const door = openDoor(stream, { order, ...quiet, limits: { ...defaultDoorLimits, pingMs: 5 } });
    far.write(framed(Buffer.from('this is not HTTP/2')));
    expect(await door.end).toMatchObject({ kind: 'garbage' });
    door.close();
  });

  it.each([
    ['a flood of pings', () => Buffer.concat(Array.from({ length: 50_000 }, () => ping))],
    ['a flood of requests', () => Buffer.concat(Array.from({ length: 20_000 }, (_, index) => request(2 * index + 1)))],
  ])('S10 is ended after %s and the end of its output, and the host process goes on', async (_name, flood) => {
    const [near, far] = await sockets();
    const { door: stream } = demultiplex(near, Buffer.alloc(0));
    const before = process.memoryUsage.rss();
    const door = openDoor(stream, {
      order,
      bundleFile: null,
      differences: () => [],
      onProgress: () => undefined,
      services: noServices,
      limits: { ...defaultDoorLimits, pingMs: 5, silentMs: 1500, stuckMs: 1500 },
    });
    far.on('error', () => undefined);
    far.write(framed(preface));
    far.end(framed(flood()));
    const end = await door.end;
    expect(['garbage', 'closed', 'missing']).toContain(end.kind);
    door.close();
    expect(process.memoryUsage.rss() - before).toBeLessThan(150 * 1_048_576);
  });
});
