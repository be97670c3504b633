import { appendFile, mkdtemp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId, unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AgentBus } from '../../bus.ts';
import { openBus } from '../../open-bus.ts';
import { claimOne, makeEnvelope, makeRun, sendAll } from '../../testing/support.ts';
import { fileNameOf } from './projection-names.ts';

vi.setConfig({ testTimeout: 60_000 });

let folder: string;
let bus: AgentBus;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'file-projections-'));
  bus = await open();
});
afterEach(async () => {
  await bus.close();
  await rm(folder, { recursive: true });
});

async function open(): Promise<AgentBus> {
  return unwrap(await openBus({ adapter: 'file', folder }));
}

/** The envelopes of a queue's files, by name. */
async function queueFiles(queue: string): Promise<readonly unknown[]> {
  const names = await readdir(join(folder, 'queues', queue)).catch(() => []);
  const texts = await Promise.all(names.map((name) => readFile(join(folder, 'queues', queue, name), 'utf8')));
  return texts.map((text): unknown => JSON.parse(text));
}

async function history(stream: string): Promise<readonly unknown[]> {
  const text = await readFile(join(folder, 'history', `${stream}.ndjson`), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
}

const within = { timeout: 10_000, interval: 20 };
const byId = (left: { readonly id: string }, right: { readonly id: string }): number => (left.id < right.id ? -1 : 1);

describe('what the file bus writes for people', () => {
  it('C4 shows what waits and what happened within a second of quiet, and takes away what was done', async () => {
    const { run, envelopes } = makeRun(3);
    await sendAll(bus, envelopes);
    const start = performance.now();
    await vi.waitFor(async () => {
      expect(await queueFiles('workers')).toEqual(envelopes.toSorted(byId));
      expect(await history(run)).toEqual(envelopes);
    }, within);
    expect(performance.now() - start).toBeLessThan(1000);
    const delivery = await claimOne(bus, 'workers');
    const answer = makeEnvelope({ context: { run_id: run } });
    unwrap(await bus.complete(delivery, [{ envelope: answer, queue: null }]));
    await vi.waitFor(async () => {
      expect(await queueFiles('workers')).toEqual(envelopes.slice(1).toSorted(byId));
      expect(await history(run)).toEqual([...envelopes, answer]);
    }, within);
  });

  it('C4 editing or deleting a file changes nothing, and it is mended', async () => {
    const { run, envelopes } = makeRun(2);
    await sendAll(bus, envelopes);
    await vi.waitFor(async () => expect(await history(run)).toHaveLength(2), within);
    await vi.waitFor(async () => expect(await queueFiles('workers')).toHaveLength(2), within);
    const file = (index: number): string => join(folder, 'queues', 'workers', `${envelopes[index]!.id}.json`);
    const tamper = async (): Promise<void> => {
      await writeFile(file(0), JSON.stringify({ ...envelopes[0], payload: { note: 'forged' } }));
      await rm(file(1));
      await appendFile(join(folder, 'history', `${run}.ndjson`), '{"forged":true}\n');
    };
    const mended = async (): Promise<void> => {
      expect(await queueFiles('workers')).toEqual(envelopes.toSorted(byId));
      expect(await history(run)).toEqual(envelopes);
    };
    await tamper();
    await vi.waitFor(mended, within);
    await bus.close();
    await tamper();
    await writeFile(join(folder, 'queues', 'workers', `${newId()}.json`), '{"forged":true}');
    bus = await open();
    expect(unwrap(await bus.readStream(run, { after: 0 })).map(({ envelope }) => envelope)).toEqual(envelopes);
    await vi.waitFor(mended, within);
    expect((await claimOne(bus, 'workers')).envelope).toEqual(envelopes[0]);
  });

  it('C4 names of queues and runs become file names that neither leave the folder nor meet', async () => {
    const odd = makeEnvelope({ context: { run_id: '../../x' } });
    for (const queue of ['a/b', 'a', 'con']) unwrap(await bus.send([{ envelope: odd, queue }]));
    expect(await bus.send([{ envelope: odd, queue: '../x' }])).toMatchObject({
      error: { code: 'AC_BUS_QUEUE_NAME' },
    });
    const stream = fileNameOf('../../x');
    await vi.waitFor(async () => {
      expect(await queueFiles('a+b')).toEqual([odd]);
      expect(await queueFiles('a')).toEqual([odd]);
      expect(await queueFiles(fileNameOf('con'))).toEqual([odd]);
      expect(await history(stream)).toEqual([odd]);
    }, within);
    const names = ['x', 'X', 'x.', 'con', 'con/', '../x', 'a/b', 'a+b', 'x'.repeat(500), '', 'é', 'a\u0000'];
    const files = names.map(fileNameOf);
    expect(new Set(files.map((name) => name.toLowerCase())).size).toBe(names.length);
    for (const name of files) expect(name).toMatch(/^[a-z0-9=][a-z0-9._+=-]{0,199}$/);
  });

  it('C4 one process writes at a time, and another goes on when it ends', async () => {
    const { run, envelopes } = makeRun(2);
    await sendAll(bus, [envelopes[0]!]);
    await vi.waitFor(async () => expect(await history(run)).toEqual([envelopes[0]]), within);
    const other = await open();
    await sendAll(other, [envelopes[1]!]);
    await vi.waitFor(async () => expect(await history(run)).toEqual(envelopes), within);
    await bus.close();
    bus = other;
    unwrap(await other.complete(await claimOne(other, 'workers'), []));
    await vi.waitFor(async () => expect(await queueFiles('workers')).toEqual([envelopes[1]]), within);
  });

  it('C4 a folder that cannot be written takes nothing from the bus, and is filled when it can be', async () => {
    await writeFile(join(folder, 'history'), 'in the way');
    await mkdir(join(folder, 'queues'), { recursive: true });
    const { run, envelopes } = makeRun(1);
    await sendAll(bus, envelopes);
    unwrap(await bus.complete(await claimOne(bus, 'workers'), []));
    await rm(join(folder, 'history'));
    await vi.waitFor(async () => expect(await history(run)).toEqual(envelopes), within);
  });
});
