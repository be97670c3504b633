import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap, type Envelope, type Result } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AgentBus } from '../../bus.ts';
import { openBus } from '../../open-bus.ts';
import { claim, claimOne, ids, makeRun, sendAll, streamOf } from '../../testing/support.ts';
import { encodeRecord, mark } from './frame.ts';

vi.setConfig({ testTimeout: 120_000 });

let folder: string;
const opened: AgentBus[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'file-damage-'));
});
afterEach(async () => {
  await closeAll();
  await rm(folder, { recursive: true });
});

async function open(): Promise<AgentBus> {
  const bus = unwrap(await openBus({ adapter: 'file', folder }));
  opened.push(bus);
  return bus;
}

async function closeAll(): Promise<void> {
  for (const bus of opened.splice(0)) await bus.close();
}

const log = (segment = 1): string => join(folder, 'journal', `${segment}.log`);
const codeOf = (result: Result<unknown>): string => (result.ok ? 'success' : result.error.code);

/** Where the records of the first segment begin, and its end. */
function offsetsOf(bytes: Buffer): readonly number[] {
  const offsets = [0];
  for (let at = bytes.indexOf(`\n${mark}`); at >= 0; at = bytes.indexOf(`\n${mark}`, at + 1)) offsets.push(at + 1);
  return [...offsets, bytes.length];
}

/** The journal is these bytes alone, as a disk or a kill may have left it. */
async function restore(bytes: Buffer): Promise<void> {
  await closeAll();
  await rm(join(folder, 'journal'), { recursive: true });
  await rm(join(folder, 'quarantine'), { recursive: true, force: true });
  await (await open()).close();
  opened.length = 0;
  await writeFile(log(), bytes);
}

const quarantined = (): Promise<readonly string[]> => readdir(join(folder, 'quarantine')).catch(() => []);

/** A journal with three envelopes of one run, sent one by one. */
async function threeSent(): Promise<{
  readonly run: string;
  readonly envelopes: readonly Envelope[];
  readonly bytes: Buffer;
  readonly offsets: readonly number[];
}> {
  const bus = await open();
  const { run, envelopes } = makeRun(3);
  await sendAll(bus, envelopes);
  await closeAll();
  const bytes = await readFile(log());
  const offsets = offsetsOf(bytes);
  return { run, envelopes, bytes, offsets: offsets.slice(-4) };
}

describe('damage to the journal', () => {
  it('S69 a tail torn at any byte is quarantined by name, told, and everything before it is served', async () => {
    const { run, envelopes, bytes, offsets } = await threeSent();
    const [, , third = 0, end = 0] = offsets;
    for (let cut = third; cut < end; cut += 1) {
      await restore(bytes.subarray(0, cut));
      const bus = await open();
      expect(ids(await streamOf(bus, run))).toEqual(ids(envelopes.slice(0, 2).map((envelope) => ({ envelope }))));
      expect(await quarantined()).toEqual(cut === third ? [] : [`1-${third}.bin`]);
      const letters = unwrap(await bus.deadLetters());
      expect(letters.map(({ error }) => error.code)).toEqual(cut === third ? [] : ['AC_BUS_QUARANTINED']);
      unwrap(await bus.send([{ envelope: envelopes[2]! }]));
      expect(ids(await claim(bus, 'workers'))).toEqual(envelopes.map(({ id }) => id));
      if (cut > third)
        expect(await readFile(join(folder, 'quarantine', `1-${third}.bin`))).toEqual(bytes.subarray(third, cut));
    }
  });

  it('S69 a byte flipped anywhere in the middle takes nothing else away, and is never silent', async () => {
    const { run, envelopes, bytes, offsets } = await threeSent();
    const [, second = 0, third = 0] = offsets;
    for (let at = second; at < third - 1; at += 3) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ 0x04;
      await restore(flipped);
      const bus = await open();
      const entries = await streamOf(bus, run);
      expect(entries.map(({ seq, position }) => [seq, position])).toEqual([1, 2, 3].map((number) => [number, number]));
      expect([entries[0]?.envelope, entries[2]?.envelope]).toEqual([envelopes[0], envelopes[2]]);
      expect([envelopes[1]!.id, 'dead_letter']).toContain(
        entries[1]?.envelope.envelope_type === 'dead_letter' ? 'dead_letter' : entries[1]?.envelope.id,
      );
      expect(ids(await claim(bus, 'workers'))).toEqual([envelopes[0]!.id, envelopes[2]!.id]);
      const codes = unwrap(await bus.deadLetters()).map(({ error }) => error.code);
      expect(codes.length, `byte ${at - second}`).toBeGreaterThan(0);
      for (const code of codes) expect(code).toMatch(/^AC_BUS_(QUARANTINED|UNREADABLE)$/);
      if (codes.includes('AC_BUS_QUARANTINED')) expect(await quarantined()).toHaveLength(1);
    }
  });

  it('S69 an envelope whose step is lost stays in its stream and waits among the dead letters to be requeued', async () => {
    const { run, envelopes, bytes, offsets } = await threeSent();
    bytes.write('XX', (offsets[1] ?? 0) + 6);
    await restore(bytes);
    const bus = await open();
    expect(ids(await streamOf(bus, run))).toEqual(envelopes.map(({ id }) => id));
    const letter = unwrap(await bus.deadLetters()).find(({ envelope }) => envelope.id === envelopes[1]!.id);
    expect([letter?.queue, letter?.error.code]).toEqual(['workers', 'AC_BUS_QUARANTINED']);
    unwrap(await bus.requeue(letter!.id));
    expect(ids(await claim(bus, 'workers'))).toEqual([0, 2, 1].map((index) => envelopes[index]!.id));
    const [notice] = await claim(bus, 'engine');
    expect(notice?.envelope).toMatchObject({ envelope_type: 'dead_letter', payload: { queue: 'quarantine' } });
    await closeAll();
    expect(unwrap(await (await open()).deadLetters()).map(({ queue }) => queue)).toEqual(['quarantine']);
  });

  it('S69 where nothing of an envelope is left, its stream shows a dead letter in its place', async () => {
    const { run, envelopes, bytes, offsets } = await threeSent();
    await restore(bytes.fill(0, offsets[1], (offsets[2] ?? 0) - 1));
    const entries = await streamOf(await open(), run);
    expect(entries.map(({ seq, position, envelope }) => [seq, position, envelope.envelope_type])).toEqual([
      [1, 1, 'task_note'],
      [2, 2, 'dead_letter'],
      [3, 3, 'task_note'],
    ]);
    expect(entries[2]?.envelope).toEqual(envelopes[2]);
  });

  it('S69 an envelope whose stored bytes are damaged is made whole by sending it again', async () => {
    const { run, envelopes, bytes, offsets } = await threeSent();
    bytes.write('!', (offsets[2] ?? 0) - 4);
    await restore(bytes);
    const bus = await open();
    expect((await streamOf(bus, run))[1]?.envelope.envelope_type).toBe('dead_letter');
    unwrap(await bus.send([{ envelope: envelopes[1]! }]));
    expect((await streamOf(bus, run)).map(({ envelope }) => envelope)).toEqual(envelopes);
    await closeAll();
    const after = await open();
    expect((await claim(after, 'workers')).map(({ envelope }) => envelope)).toEqual(envelopes);
  });

  it('S69 a process that has read sound bytes agrees with one that finds them damaged', async () => {
    const { run, envelopes, bytes, offsets } = await threeSent();
    const [before, late] = [await open(), makeRun(1, { context: { run_id: run } }).envelopes[0]!];
    expect(ids(await streamOf(before, run))).toHaveLength(3);
    await writeFile(log(), bytes.subarray(0, (offsets[3] ?? 0) - 5));
    const after = await open();
    for (const bus of [before, after])
      expect(ids(await streamOf(bus, run))).toEqual(envelopes.slice(0, 2).map(({ id }) => id));
    unwrap(await before.send([{ envelope: late, queue: null }]));
    for (const bus of [before, after])
      expect((await streamOf(bus, run)).map(({ seq, envelope }) => [seq, envelope.id])).toEqual([
        [1, envelopes[0]!.id],
        [2, envelopes[1]!.id],
        [3, late.id],
      ]);
    unwrap(await after.complete(await claimOne(after, 'workers'), []));
    expect(unwrap(await before.queues())).toEqual(unwrap(await after.queues()));
  });

  it('S83 a journal of a newer version is refused, and so is a file that is none', async () => {
    await open();
    await closeAll();
    await writeFile(log(), Buffer.concat(encodeRecord({ journal: { version: 99, base: true } }, [])));
    expect(codeOf(await openBus({ adapter: 'file', folder }))).toBe('AC_BUS_SCHEMA_NEWER');
    await writeFile(log(), 'no journal at all\n');
    expect(codeOf(await openBus({ adapter: 'file', folder }))).toBe('AC_BUS_CORRUPT');
    expect(await readFile(log(), 'utf8')).toBe('no journal at all\n');
  });
});
