import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { unwrap } from '@agentcompany/protocol';
import type { AgentBus } from '../../bus.ts';
import { derivedIdSync } from '../../dead-letter-notice.ts';
import { openBus } from '../../open-bus.ts';
import { walkRun } from '../../testing/bus-process.ts';
import { startBusProcess } from '../../testing/start-bus-process.ts';
import { makeEnvelope, makeRun } from '../../testing/support.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sqlite-processes-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function withBus<Value>(use: (bus: AgentBus) => Promise<Value>): Promise<Value> {
  const bus = unwrap(await openBus({ adapter: 'sqlite', folder }));
  try {
    return await use(bus);
  } finally {
    await bus.close();
  }
}

describe('several processes on one SQLite bus', () => {
  it('C5 two processes never take one delivery twice', { timeout: 60_000 }, async () => {
    const { run, envelopes } = makeRun(200);
    await withBus(async (bus) => {
      unwrap(await bus.send(envelopes.map((envelope) => ({ envelope }))));
      const positions = watchedPositions(bus, 400);
      const processes = [startBusProcess({ program: 'drain', folder }), startBusProcess({ program: 'drain', folder })];
      const outputs = await Promise.all(processes.map(({ ended }) => ended));
      const handled = outputs.map(({ lines }) =>
        lines.flatMap((line) => ('handled' in line ? [String(line['handled'])] : [])),
      );
      expect(handled.flat().toSorted()).toEqual(envelopes.map(({ id }) => id).toSorted());
      const entries = unwrap(await bus.readStream(run, { after: 200 }));
      expect(new Set(entries.map(({ envelope }) => envelope.inReplyTo)).size).toBe(200);
      expect(entries.at(-1)?.seq).toBe(400);
      // Seen while two processes wrote: in commit order, nothing late, nothing missing.
      expect(await positions).toEqual(Array.from({ length: 400 }, (_unused, index) => index + 1));
    });
  });

  it(
    'S75 a process killed between claim and complete has spent a delivery; the next epoch gets the work',
    { timeout: 60_000 },
    async () => {
      const envelope = makeEnvelope();
      await withBus(async (bus) => {
        unwrap(await bus.send([{ envelope }]));
        const { child, firstLine, ended } = startBusProcess({ program: 'hold', folder });
        expect(await firstLine).toEqual({ held: envelope.id, epoch: 1, count: 1 });
        child.kill('SIGKILL');
        expect((await ended).signal).toBe('SIGKILL');
        const [delivery] = unwrap(await bus.receive('workers', { max: 1, waitMs: 20_000, leaseMs: 1000 }));
        expect([delivery?.envelope.id, delivery?.epoch, delivery?.count]).toEqual([envelope.id, 2, 2]);
      });
    },
  );

  it('C3 what one process sends wakes a consumer in another, without any timer', { timeout: 60_000 }, async () => {
    await withBus(async (bus) => {
      // Timers of this process stand still: neither the slow re-check nor the time-out can end the wait.
      vi.useFakeTimers({ toFake: ['setTimeout'] });
      try {
        const receiving = bus.receive('workers', { max: 1, waitMs: 20_000, leaseMs: 1000 });
        const { ended } = startBusProcess({ program: 'send', folder });
        expect(unwrap(await receiving)).toHaveLength(1);
        await ended;
      } finally {
        vi.useRealTimers();
      }
    });
  });

  it(
    'S65 S67 killed at any durable moment and started again, a run keeps what was acknowledged and ends once',
    { timeout: 240_000 },
    async () => {
      let crashAt = 0;
      for (let survived = false; !survived;) {
        crashAt += 1;
        folder = join(folder, `crash-${crashAt}`);
        const first = await startBusProcess({ program: 'walk', folder, crashAt }).ended;
        survived = first.signal === null;
        const acknowledged = first.lines.flatMap((line) => (line['entries'] as [number, string][] | undefined) ?? []);
        await withBus(async (bus) => {
          const kept = unwrap(await bus.readStream(walkRun, { after: 0 })).map(({ seq, envelope }) => [
            seq,
            envelope.id,
          ]);
          expect(kept).toEqual(expect.arrayContaining(acknowledged));
        });
        expect((await startBusProcess({ program: 'walk', folder }).ended).lines.at(-1)).toEqual({ ended: true });
        await withBus(expectWalked);
        folder = join(folder, '..');
      }
      expect(crashAt).toBe(11);
    },
  );
});

/** The positions of the next `count` entries, in the order in which a watcher sees them. */
async function watchedPositions(bus: AgentBus, count: number): Promise<readonly number[]> {
  const controller = new AbortController();
  const positions: number[] = [];
  for await (const { position } of bus.watch({ after: 0, signal: controller.signal })) {
    if (positions.push(position) === count) controller.abort();
  }
  return positions;
}

async function expectWalked(bus: AgentBus): Promise<void> {
  const entries = unwrap(await bus.readStream(walkRun, { after: 0 }));
  expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  const walked = ['task', 'doomed', 'answer', 'end'].map((name) => derivedIdSync(`walk/${name}`));
  const notices = entries
    .filter(({ envelope }) => envelope.envelope_type === 'dead_letter')
    .map(({ envelope }) => envelope.id);
  expect(notices).toHaveLength(1);
  expect(entries.map(({ envelope }) => envelope.id).toSorted()).toEqual([...walked, ...notices].toSorted());
  expect(unwrap(await bus.deadLetters()).map(({ envelope }) => envelope.id)).toEqual([walked[1]]);
  for (const queue of unwrap(await bus.queues()))
    expect([queue.waiting, queue.delayed, queue.leased]).toEqual([0, 0, 0]);
}
