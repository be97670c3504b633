import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import type { FolderBusOptions } from '../bus-options.ts';
import { openBus } from '../open-bus.ts';
import { workText } from './bus-programs.ts';
import { DiskModel, type Luck } from './disk-model.ts';
import { startBusProcess } from './start-bus-process.ts';
import { bytesOf, parseSystemCalls, straceArguments, type SystemCall } from './system-calls.ts';

/** Every so many system calls the power is cut, besides at acknowledgements. */
const cutEvery = 97;
/** Of the acknowledgements, the first ones and every so many-th. */
const firstOnes = 12;
const everyOther = 7;

/** What a process said before the power was cut. */
interface Acknowledged {
  readonly sent: string[];
  /** Ids of completed envelopes, with those of their answers. */
  readonly done: Map<string, string>;
}

export interface PowerCutOptions {
  readonly adapter: FolderBusOptions['adapter'];
  /** Files that need not survive: what is mapped into memory or rebuilt. They are missing after the cut. */
  readonly leaveOut: RegExp;
}

/** Numbers that look random and are the same in every run (mulberry32). */
function seeded(seed: number): Luck {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) & 1) === 1;
  };
}

function noteLines(call: SystemCall, acknowledged: Acknowledged): boolean {
  if (call.name !== 'write' || call.phase !== 'done' || call.parameters[0] !== '1') return false;
  const line = JSON.parse(bytesOf(call.parameters.slice(1)).toString()) as Record<string, string>;
  if (line['sent'] !== undefined) acknowledged.sent.push(line['sent']);
  if (line['done'] !== undefined) acknowledged.done.set(line['done'], line['answer'] ?? '');
  return true;
}

/** Opens what the disk holds: everything acknowledged is there, in its state and with its bytes, and positions have no gap. */
async function assertKept(options: PowerCutOptions, folder: string, { sent, done }: Acknowledged): Promise<void> {
  const bus = unwrap(await openBus({ adapter: options.adapter, folder }));
  try {
    const standings = unwrap(await bus.deliveries(sent));
    assert.deepEqual(
      standings.map(({ envelopeId }) => envelopeId),
      sent,
    );
    for (const { envelopeId, state } of standings) if (done.has(envelopeId)) assert.equal(state, 'done', envelopeId);
    const answers = [...done.values()];
    assert.equal(unwrap(await bus.deliveries(answers)).length, answers.length);
    const entries = unwrap(await bus.readAll({ after: 0, limit: 100_000 }));
    const texts = new Map(entries.map(({ envelope }) => [envelope.id, envelope.payload['text']]));
    for (const [index, id] of sent.entries()) assert.equal(texts.get(id), workText(index), `bytes of ${id}`);
    assert.deepEqual(
      entries.map(({ position }) => position),
      entries.map((_entry, index) => index + 1),
    );
  } finally {
    await bus.close();
  }
}

/**
 * Cuts the power of a working process at its acknowledgements and between them, and asserts that everything acknowledged is on the disk:
 * with nothing that no fsync covered, and with a part of it. Returns how often. Needs strace(1).
 */
export async function cutPower(options: PowerCutOptions): Promise<{ readonly cuts: number }> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'power-cut-')));
  try {
    const [root, trace] = [join(folder, 'disk'), join(folder, 'trace')];
    await mkdir(root);
    const place = { options: { adapter: options.adapter, folder: join(root, 'bus') } };
    const { lines } = await startBusProcess({ program: 'work', place }, straceArguments(trace)).ended;
    assert.deepEqual(lines.at(-1), { ended: true });
    const disk = new DiskModel(root, options.leaveOut);
    const acknowledged: Acknowledged = { sent: [], done: new Map() };
    let [calls, told, cuts] = [0, 0, 0];
    for (const call of parseSystemCalls((await readFile(trace, 'latin1')).split('\n'))) {
      calls += 1;
      const tells = noteLines(call, acknowledged);
      if (tells) told += 1;
      else disk.apply(call);
      if (tells ? told > firstOnes && told % everyOther !== 0 : calls % cutEvery !== 0 || told === 0) continue;
      for (const luck of [() => false, seeded(calls)]) {
        const image = join(folder, 'image');
        disk.writeImage(image, luck);
        await assertKept(options, join(image, 'bus'), acknowledged);
        await rm(image, { recursive: true });
        cuts += 1;
      }
    }
    return { cuts };
  } finally {
    await rm(folder, { recursive: true });
  }
}
