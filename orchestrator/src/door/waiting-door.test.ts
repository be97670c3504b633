import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { duplexPair } from 'node:stream';
import { workOrder } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { noServices } from './attempt-services.ts';
import type { DoorWork } from './door-events.ts';
import { defaultDoorLimits, type DoorLimits } from './door-limits.ts';
import { openWaitingDoor, type WaitingDoor } from './open-door.ts';
import { selfReport as report } from './testing/door-ends.ts';
import { readAnswer } from './testing/open-test-door.ts';

const order = workOrder.parse({
  kind: 'verify',
  mirror: '/mirror.git',
  base_oid: '1'.repeat(40),
  command_timeout: 10,
  verify: [],
});
const work: DoorWork = { order, bundleFile: null, onProgress: () => undefined, services: noServices };

interface Waiting {
  readonly door: WaitingDoor;
  readonly client: ClientHttp2Session;
  readonly post: (path: string, body: unknown) => ClientHttp2Stream;
}

function open(limits: Partial<DoorLimits> = {}, differences: readonly string[] = []): Waiting {
  const [hostSide, raw] = duplexPair();
  const door = openWaitingDoor(hostSide, {
    limits: { ...defaultDoorLimits, ...limits },
    differences: () => differences,
  });
  const client = connect('http://door', { createConnection: () => raw });
  client.on('error', () => undefined);
  onTestFinished(() => {
    door.close();
    client.destroy();
  });
  const post: Waiting['post'] = (path, body) => {
    const stream = client.request({ ':method': 'POST', ':path': path });
    stream.on('error', () => undefined);
    stream.end(JSON.stringify(body));
    return stream;
  };
  return { door, client, post };
}

describe('a door whose worker waits for work', () => {
  it('holds the first pull until there is work, and answers it with the order', async () => {
    const { door, post } = open();
    const pulled = readAnswer(post('/queue/next', { report }));
    await door.waiting;
    expect(await readAnswer(post('/queue/next', { report }))).toMatchObject({ status: 409 });
    expect(await readAnswer(post('/progress', { message: 'early' }))).toMatchObject({ status: 409 });
    expect(await door.isAlive(5000)).toBe(true);
    door.assign(work);
    expect(JSON.parse((await pulled).body)).toEqual(order);
    expect(await readAnswer(post('/progress', { message: 'now' }))).toMatchObject({ status: 204 });
  });

  it('misses no beat of a worker that waits, and misses it from the assignment on', async () => {
    const { door, post } = open({ stuckMs: 150, pingMs: 20 });
    const pulled = readAnswer(post('/queue/next', { report }));
    await door.waiting;
    const early = await Promise.race([door.end, new Promise((resolve) => void setTimeout(resolve, 500, 'waits'))]);
    expect(early).toBe('waits');
    door.assign(work);
    expect(await door.end).toEqual({ kind: 'missing', sign: 'beat' });
    expect((await pulled).status).toBe(200);
  });

  it('S1 refuses one that is not confined as asked while it has no work', async () => {
    const { door, post } = open({}, ['it has a network']);
    expect(await readAnswer(post('/queue/next', { report }))).toMatchObject({ status: 403 });
    expect(await door.end).toEqual({ kind: 'unconfined', differences: ['it has a network'] });
  });

  it('takes a pull anew where the first was let go of, and knows a dead worker by its silence', async () => {
    const { door, client, post } = open();
    const first = post('/queue/next', { report });
    await door.waiting;
    first.close();
    expect(await door.isAlive(5000)).toBe(true);
    const second = post('/queue/next', { report });
    door.assign(work);
    expect((await readAnswer(second)).status).toBe(200);
    client.destroy();
    expect((await door.end).kind).toBe('closed');
    expect(await door.isAlive(5000)).toBe(false);
  });
});
