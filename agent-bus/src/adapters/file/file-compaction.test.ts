import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap, type BusRecord, type Envelope } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AgentBus } from '../../bus.ts';
import { openBus } from '../../open-bus.ts';
import { claim, claimOne, ids, makeEnvelope, makeRun, streamOf } from '../../testing/support.ts';

vi.setConfig({ testTimeout: 60_000 });

let folder: string;
const opened: AgentBus[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'file-compaction-'));
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

const later = (): number => Date.now() + 86_400_000;
const segments = (): Promise<string[]> => readdir(join(folder, 'journal'));

/** A run that is done, of `count` envelopes of some size. */
async function doneRun(bus: AgentBus, count: number): Promise<string> {
  const { run, envelopes } = makeRun(count, { payload: { text: 'x'.repeat(2000) } });
  unwrap(await bus.send(envelopes.map((envelope) => ({ envelope }))));
  for (const delivery of await claim(bus, 'workers', count)) unwrap(await bus.complete(delivery, []));
  return run;
}

/** Everything the bus tells of itself. */
async function look(bus: AgentBus): Promise<unknown> {
  return {
    all: unwrap(await bus.readAll({ after: 0, limit: 10_000 })),
    position: unwrap(await bus.lastPosition()),
    streams: unwrap(await bus.streams()),
    queues: unwrap(await bus.queues()),
    letters: unwrap(await bus.deadLetters()),
  };
}

/** Runs `script` on the bus `bus` in a process of its own, which kills itself at that durable moment. */
function runKilled(script: string, crashAt: number): string | null {
  const module = new URL('../../open-bus.ts', import.meta.url).href;
  const program = `
    const { openBus } = await import(${JSON.stringify(module)});
    let moment = 0;
    const onDurableStep = () => { moment += 1; if (moment === ${crashAt}) process.kill(process.pid, 'SIGKILL'); };
    const opened = await openBus({ adapter: 'file', folder: ${JSON.stringify(folder)}, onDurableStep });
    const bus = opened.value;
    ${script}
    await bus.close();`;
  const node = ['--conditions=development', '--input-type=module', '-e', program];
  return spawnSync(process.execPath, node, { stdio: ['ignore', 'inherit', 'inherit'] }).signal;
}

describe('compaction of the file bus', () => {
  it('C3 writes the journal anew; other instances follow it and lose nothing', async () => {
    const [bus, other] = [await open(), await open()];
    const done = await doneRun(bus, 50);
    const kept = makeRun(20);
    unwrap(await other.send(kept.envelopes.map((envelope) => ({ envelope }))));
    const delivery = await claimOne(other, 'workers');
    expect(unwrap(await bus.compact({ closedBefore: later(), streams: [done] }))).toEqual({ streams: 1, entries: 50 });
    expect(await segments()).toEqual(['2.log']);
    expect((await stat(join(folder, 'journal', '2.log'))).size).toBeLessThan(50_000);
    expect(await look(other)).toEqual(await look(bus));
    unwrap(await other.complete(delivery, [{ envelope: makeEnvelope() }]));
    expect(await look(bus)).toEqual(await look(other));
    expect(await look(await open())).toEqual(await look(other));
    expect(ids(await streamOf(bus, kept.run))).toEqual(kept.envelopes.map(({ id }) => id));
  });

  it('C3 keeps what is written while it copies', async () => {
    const [bus, other] = [await open(), await open()];
    const done = await doneRun(bus, 2);
    const old = makeRun(3000);
    unwrap(await bus.send(old.envelopes.map((envelope) => ({ envelope, queue: null }))));
    const compacting = bus.compact({ closedBefore: later(), streams: [done] });
    const sent: Envelope[] = [];
    for (let round = 0; round < 30; round += 1) {
      const envelopes = [makeEnvelope(), makeEnvelope()];
      await Promise.all(
        [bus, other].map(async (one, index) => unwrap(await one.send([{ envelope: envelopes[index]! }]))),
      );
      sent.push(...envelopes);
    }
    expect(unwrap(await compacting).streams).toBe(1);
    expect(await segments()).toEqual(['2.log']);
    const seen = await look(bus);
    expect(await look(other)).toEqual(seen);
    await closeAll();
    const after = await open();
    expect(await look(after)).toEqual(seen);
    expect(new Set(ids(await claim(after, 'workers')))).toEqual(new Set(sent.map(({ id }) => id)));
  });

  it('S83 killed at any moment it leaves the old journal or the new one, never both', async () => {
    // Before and after the step that drops the stream, before and after the new journal takes the old one's place.
    for (const [moment, entries, journal] of [
      [1, 15, '1.log'],
      [2, 5, '1.log'],
      [3, 5, '1.log'],
      [4, 5, '2.log'],
    ] as const) {
      await rm(join(folder, 'journal'), { recursive: true, force: true });
      const bus = await open();
      const done = await doneRun(bus, 10);
      const kept = makeRun(5).envelopes;
      unwrap(await bus.send(kept.map((envelope) => ({ envelope }))));
      await closeAll();
      const script = `await bus.compact({ closedBefore: ${later()}, streams: [${JSON.stringify(done)}] });`;
      expect(runKilled(script, moment)).toBe('SIGKILL');
      const after = await open();
      expect(await segments()).toEqual([journal]);
      const all = unwrap(await after.readAll({ after: 0, limit: 100 }));
      // Killed between write and fsync the step may be there: it was not acknowledged, and it is whole.
      expect([entries, 5]).toContain(all.length);
      expect(ids(all.slice(-5))).toEqual(kept.map(({ id }) => id));
      expect(ids(await claim(after, 'workers'))).toEqual(kept.map(({ id }) => id));
      await closeAll();
    }
  });

  it('S84 an export that has begun is whole although the journal is written anew', async () => {
    const bus = await open();
    const done = await doneRun(bus, 300);
    const exporting = bus.exportRecords()[Symbol.asyncIterator]();
    const records: BusRecord[] = [];
    for (let next = await exporting.next(); next.done !== true; next = await exporting.next()) {
      records.push(unwrap(next.value));
      if (records.length === 1) unwrap(await bus.compact({ closedBefore: later(), streams: [done] }));
    }
    expect(records.filter(({ kind }) => kind === 'entry')).toHaveLength(300);
    expect(records.at(-1)).toEqual({ kind: 'end', records: records.length - 1 });
  });

  it('S65 an import killed midway leaves the bus empty, or full', async () => {
    const bus = await open();
    await doneRun(bus, 20);
    const records: BusRecord[] = [];
    for await (const record of bus.exportRecords()) records.push(unwrap(record));
    const full = await look(bus);
    await closeAll();
    const script = `await bus.importRecords((async function* () { yield* ${JSON.stringify(records)}; })());`;
    for (const [moment, expected] of [
      [1, 0],
      [2, 20],
    ] as const) {
      await rm(join(folder, 'journal'), { recursive: true });
      expect(runKilled(script, moment)).toBe('SIGKILL');
      const after = await open();
      expect(unwrap(await after.lastPosition())).toBe(expected);
      if (expected > 0) expect(await look(after)).toEqual(full);
      await closeAll();
    }
  });
});

describe('those who follow a compacted journal', () => {
  it('S82 give up the descriptors of what others compacted away', async () => {
    const [bus, follower] = [await open(), await open()];
    const descriptors = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
    const compacted = async (): Promise<number> => {
      const run = await doneRun(bus, 3);
      expect(unwrap(await bus.compact({ closedBefore: later(), streams: [run] })).streams).toBe(1);
      unwrap(await follower.readAll({ after: 0, limit: 10 }));
      return descriptors();
    };
    const before = await compacted();
    for (let round = 0; round < 5; round += 1) expect(await compacted()).toBeLessThanOrEqual(before);
  });
});
