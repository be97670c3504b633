import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect, type ClientHttp2Session, type OutgoingHttpHeaders } from 'node:http2';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { workOrder, type WorkReport } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { DoorOptions } from './door-events.ts';
import type { Door } from './open-door.ts';
import { openDoorEnds, selfReport } from './testing/door-ends.ts';

const order = workOrder.parse({
  kind: 'task',
  mirror: '/mirror.git',
  base_oid: '1'.repeat(40),
  command_timeout: 10,
  verify: ['true'],
  attempt_id: randomUUID(),
  title: 'T',
  instructions: '',
  agent: null,
  run: { command: 'true' },
  allow_empty: false,
  feedback: null,
  result_ref: 'refs/x',
});
const ran = { command: 'true', exit_code: 0, duration_ms: 1, output: '' };
const done: WorkReport = { outcome: 'done', commit: 'c', tree: 't', agent: ran, verify: [ran], error: null };

interface Answer {
  readonly status: number;
  readonly body: string;
}

interface Opened {
  readonly door: Door;
  readonly client: ClientHttp2Session;
  readonly raw: Duplex;
  readonly file: string;
  readonly progress: string[];
  readonly call: (method: string, path: string, body?: unknown, headers?: OutgoingHttpHeaders) => Promise<Answer>;
  readonly upload: (content: Buffer, headers?: OutgoingHttpHeaders) => Promise<Answer>;
}

async function open(
  overrides: Partial<Omit<DoorOptions, 'limits'>> & { limits?: Partial<DoorOptions['limits']> } = {},
): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), 'agentcompany-door-'));
  const file = join(folder, 'result.bundle');
  const progress: string[] = [];
  const onProgress = (message: string): void => void progress.push(message);
  const { door, workerSide: raw } = openDoorEnds({ order, bundleFile: file, onProgress, ...overrides });
  const client = connect('http://door', { createConnection: () => raw });
  client.on('error', () => undefined);
  onTestFinished(async () => {
    door.close();
    client.destroy();
    await rm(folder, { recursive: true });
  });
  const call: Opened['call'] = (method, path, body, headers = {}) =>
    new Promise((resolve, reject) => {
      const stream = client.request({ ':method': method, ':path': path, ...headers });
      const chunks: Buffer[] = [];
      let status = 0;
      stream.once('response', (found) => (status = found[':status'] ?? 0));
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.once('error', reject);
      stream.once('close', () => resolve({ status, body: Buffer.concat(chunks).toString() }));
      stream.end(Buffer.isBuffer(body) ? body : typeof body === 'string' ? body : JSON.stringify(body ?? {}));
    });
  const upload: Opened['upload'] = (content, headers = {}) => {
    const digest = createHash('sha256').update(content).digest('base64');
    return call('PUT', '/result/bundle', content, {
      'content-length': String(content.length),
      'content-digest': `sha-256=:${digest}:`,
      ...headers,
    });
  };
  return { door, client, raw, file, progress, call, upload };
}

describe('the host side of the door', () => {
  it('gives the order once, takes bundle and report, and ends with both', async () => {
    const { door, call, upload, file } = await open();
    const given = await call('POST', '/queue/next', { report: selfReport });
    expect(JSON.parse(given.body)).toEqual(order);
    expect((await call('POST', '/queue/next', { report: selfReport })).status).toBe(409);
    const content = Buffer.from('a bundle');
    const sha256 = createHash('sha256').update(content).digest('hex');
    expect(JSON.parse((await upload(content)).body)).toEqual({ sha256, bytes: 8 });
    expect(await readFile(file)).toEqual(content);
    expect((await upload(content)).status).toBe(200);
    expect((await upload(Buffer.from('another'))).status).toBe(409);
    expect((await call('POST', '/queue/complete', done)).status).toBe(204);
    expect(await door.end).toEqual({ kind: 'reported', report: done, bundle: { sha256, bytes: 8 } });
  });

  it('S1 gives no order to a worker that is not confined as asked', async () => {
    const { door, call } = await open({ differences: () => ['it has a network'] });
    const answer = await call('POST', '/queue/next', { report: selfReport });
    expect(answer.status).toBe(403);
    expect(answer.body).not.toContain(order.mirror);
    expect(await door.end).toEqual({ kind: 'unconfined', differences: ['it has a network'] });
  });

  it('refuses what is not in the protocol, and goes on', async () => {
    const { call } = await open();
    expect((await call('PATCH', '/queue/next')).status).toBe(404);
    expect((await call('POST', '/queue/next', 'no json')).status).toBe(400);
    expect((await call('POST', '/queue/next', { report: { ...selfReport, uid: 'root' } })).status).toBe(400);
    expect((await call('POST', '/progress', { message: 'x'.repeat(5000) })).status).toBe(400);
    expect((await call('POST', '/progress', Buffer.alloc(500_000))).status).toBe(413);
    expect((await call('POST', '/queue/next', { report: selfReport })).status).toBe(200);
  });

  it('takes no bundle before the order, of the wrong size, digest or length, or where none is expected', async () => {
    const { call, upload, file } = await open({ limits: { bundleBytes: 1000 } });
    const content = Buffer.from('a bundle');
    expect((await upload(content)).status).toBe(404);
    await call('POST', '/queue/next', { report: selfReport });
    expect(
      (await upload(content, { 'content-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:` })).status,
    ).toBe(400);
    expect((await upload(content, { 'content-digest': 'md5=:x:' })).status).toBe(411);
    expect((await upload(Buffer.alloc(1001))).status).toBe(413);
    expect(await readdir(dirname(file))).toEqual([]);
    expect((await upload(content)).status).toBe(200);
    expect(await readdir(dirname(file))).toEqual(['result.bundle']);
    const without = await open({ bundleFile: null });
    await without.call('POST', '/queue/next', { report: selfReport });
    expect((await without.upload(content)).status).toBe(404);
  });

  it('ends as garbage on a report that cannot be true', async () => {
    const early = await open();
    expect((await early.call('POST', '/queue/complete', done)).status).toBe(422);
    expect(await early.door.end).toMatchObject({ kind: 'garbage' });
    const bundleless = await open();
    await bundleless.call('POST', '/queue/next', { report: selfReport });
    await bundleless.call('POST', '/queue/complete', done);
    expect(await bundleless.door.end).toMatchObject({
      kind: 'garbage',
      problem: expect.stringContaining('without a bundle'),
    });
  });

  it('S47 looks at no report of too many values, and takes the next', async () => {
    const { door, call, upload } = await open();
    await call('POST', '/queue/next', { report: selfReport });
    await upload(Buffer.from('a bundle'));
    const answer = await call('POST', '/queue/complete', { ...done, verify: Array.from({ length: 60_000 }, () => 0) });
    expect([answer.status, answer.body]).toEqual([400, JSON.stringify({ problem: 'it has too many parts' })]);
    expect((await call('POST', '/queue/complete', done)).status).toBe(204);
    expect(await door.end).toMatchObject({ kind: 'reported', report: done });
  });

  it('ends as garbage on bytes that are not HTTP/2, as closed when the stream just ends', async () => {
    const { door, workerSide: raw } = openDoorEnds();
    raw.resume();
    raw.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await door.end).toMatchObject({ kind: 'garbage' });
    door.close();
    const { door: quiet, workerSide: other } = openDoorEnds();
    other.resume().end();
    expect(await quiet.end).toMatchObject({ kind: 'closed' });
    quiet.close();
  });

  it('S10 ends as garbage on half a frame followed by rubbish, in the middle of a session', async () => {
    const { door, call, raw } = await open();
    await call('POST', '/progress', { message: 'here' });
    raw.write(Buffer.from([0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]));
    expect(await door.end).toMatchObject({ kind: 'garbage' });
  });

  it('S10 a client that only half says something is silent, one that pings but never beats is stuck', async () => {
    const { door: silent, workerSide: raw } = openDoorEnds({ limits: { silentMs: 120 } });
    raw.write('PRI * HTTP/2.0\r\n');
    expect(await silent.end).toEqual({ kind: 'missing', sign: 'data' });
    silent.close();
    const { door } = await open({ limits: { pingMs: 20, silentMs: 2000, stuckMs: 200 } });
    expect(await door.end).toEqual({ kind: 'missing', sign: 'beat' });
  });

  it('hands on the latest progress, without repetition and no more often than agreed', async () => {
    const { call, progress } = await open({ limits: { progressMs: 40 } });
    for (const message of ['a', 'a', 'b', 'c', 'c']) await call('POST', '/progress', { message });
    await expect.poll(() => progress.at(-1)).toBe('c');
    expect(progress[0]).toBe('a');
    expect(new Set(progress).size).toBe(progress.length);
  });
});
