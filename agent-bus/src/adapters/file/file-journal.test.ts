import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap, type Result } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AgentBus } from '../../bus.ts';
import type { FolderBusOptions } from '../../bus-options.ts';
import { openBus } from '../../open-bus.ts';
import { startBusProcess } from '../../testing/start-bus-process.ts';
import { claim, claimOne, ids, makeEnvelope, sendAll } from '../../testing/support.ts';
import { encodeRecord } from './frame.ts';
import { Lock } from './lock.ts';
import { openFileBus } from './open-file-bus.ts';

vi.setConfig({ testTimeout: 60_000 });

let folder: string;
const opened: AgentBus[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'file-journal-'));
});
afterEach(async () => {
  for (const bus of opened.splice(0)) await bus.close();
  await rm(folder, { recursive: true });
});

function keep(bus: Result<AgentBus>): AgentBus {
  const value = unwrap(bus);
  opened.push(value);
  return value;
}

const open = async (options: Partial<FolderBusOptions> = {}): Promise<AgentBus> =>
  keep(await openBus({ adapter: 'file', folder, ...options }));

const codeOf = (result: Result<unknown>): string => (result.ok ? 'success' : result.error.code);

describe('the journal of the file bus', () => {
  it('S67 commits the calls of one turn together, each refused alone, and none for a lease', async () => {
    const moments: string[] = [];
    const bus = await open({ onDurableStep: (name) => moments.push(name) });
    const known = makeEnvelope();
    await sendAll(bus, [known]);
    moments.length = 0;
    const calls = Array.from({ length: 100 }, (_unused, index) =>
      bus.send([{ envelope: index === 50 ? { ...known, payload: {} } : makeEnvelope() }]),
    );
    const results = await Promise.all(calls);
    expect(moments).toEqual(['bus:before', 'bus:after']);
    expect(results.map(codeOf).filter((code) => code !== 'success')).toEqual(['AC_BUS_ID_CONFLICT']);
    const delivery = await claimOne(bus, 'workers');
    unwrap(await bus.extend(delivery, 1000));
    unwrap(await bus.release(delivery));
    expect(moments).toHaveLength(2);
  });

  it('C3 claims what is sent in the same step, before any of it is in the file', async () => {
    const bus = await open();
    const [first, second] = [makeEnvelope(), makeEnvelope()];
    await sendAll(bus, [first]);
    // Something waits, so the claim asks for a step; the send shares it and comes before.
    const sending = bus.send([{ envelope: second }]);
    const claiming = claim(bus, 'workers');
    expect([unwrap(await sending).entries.length, ids(await claiming)]).toEqual([1, [first.id, second.id]]);
    expect(unwrap(await bus.deadLetters())).toEqual([]);
  });

  it('is text for people, in a folder of this user alone', async () => {
    await mkdir(join(folder, 'bus'), { mode: 0o777 });
    const bus = keep(await openBus({ adapter: 'file', folder: join(folder, 'bus') }));
    const envelope = makeEnvelope();
    await sendAll(bus, [envelope]);
    expect((await stat(join(folder, 'bus'))).mode & 0o777).toBe(0o700);
    const lines = (await readFile(join(folder, 'bus', 'journal', '1.log'), 'utf8')).trimEnd().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual(envelope);
    expect(JSON.parse(lines.at(-2)?.replace(/^=ac( [0-9a-f]{8}){3} /, '') ?? '')).toMatchObject({
      entries: [{ id: envelope.id, stream: envelope.context.run_id, seq: 1, position: 1 }],
      deliveries: [{ queue: 'workers', position: 1, state: 'ready' }],
    });
    await bus.close();
  });

  it('waits for the lock of another process without blocking, then is AC_BUS_BUSY', async () => {
    const [bus, patient] = [keep(openFileBus({ folder }, { busyLimit: 100 })), await open()];
    const other = new Lock(join(folder, 'lock.db'));
    expect(other.acquire()).toBe(true);
    expect(codeOf(await bus.send([{ envelope: makeEnvelope() }]))).toBe('AC_BUS_BUSY');
    expect(codeOf(await bus.importRecords((async function* () {})()))).toBe('AC_BUS_BUSY');
    const waiting = patient.send([{ envelope: makeEnvelope() }]);
    setImmediate(() => setImmediate(() => other.release()));
    expect(codeOf(await waiting)).toBe('success');
    other.close();
  });

  it('goes on in a new segment when one has grown, seen by those who read the old one', async () => {
    const [bus, other] = [keep(openFileBus({ folder }, { segmentBytes: 2000 })), await open()];
    const envelopes = Array.from({ length: 12 }, () => makeEnvelope());
    await sendAll(bus, envelopes);
    expect((await readdir(join(folder, 'journal'))).length).toBeGreaterThan(2);
    expect(ids(unwrap(await other.readAll({ after: 0, limit: 100 })))).toEqual(envelopes.map(({ id }) => id));
    await sendAll(other, [makeEnvelope()]);
    const after = await open();
    expect(unwrap(await after.lastPosition())).toBe(13);
    expect(unwrap(await bus.queues())).toEqual(unwrap(await after.queues()));
  });

  it('S75 gives leases of an earlier boot and of dead processes up at once', async () => {
    const bus = await open();
    await sendAll(bus, [makeEnvelope(), makeEnvelope()]);
    const first = await claimOne(bus, 'workers', 3_600_000);
    const held = unwrap(await bus.acquireLease('engine', 'before', 3_600_000));
    const { child, nextLine, ended } = startBusProcess({
      program: 'hold',
      place: { options: { adapter: 'file', folder } },
    });
    expect(await nextLine()).toMatchObject({ epoch: 1 });
    child.kill('SIGKILL');
    await ended;
    expect((await claimOne(await open(), 'workers')).epoch).toBe(2);
    await bus.close();
    const log = join(folder, 'journal', '1.log');
    const boot = Buffer.concat(encodeRecord({ boot: 'another' }, []));
    await writeFile(log, Buffer.concat([await readFile(log), boot]));
    const after = await open();
    expect((await claimOne(after, 'workers')).epoch).toBe(first.epoch + 1);
    expect(unwrap(await after.acquireLease('engine', 'after', 1000)).epoch).toBe(held.epoch + 1);
  });

  it('S67 what a process killed before it told has written is found by those who wait', async () => {
    const bus = await open();
    const waiting = bus.receive('workers', { max: 1, waitMs: 30_000, leaseMs: 1000 });
    const place = { options: { adapter: 'file', folder } };
    expect((await startBusProcess({ program: 'walk', place, crashAt: 1 }).ended).signal).toBe('SIGKILL');
    expect(unwrap(await waiting)).toHaveLength(1);
  });

  it('refuses a folder that cannot be made', async () => {
    await writeFile(join(folder, 'file'), '');
    expect(codeOf(await openBus({ adapter: 'file', folder: join(folder, 'file', 'bus') }))).toBe('AC_BUS_OPEN');
  });
});
