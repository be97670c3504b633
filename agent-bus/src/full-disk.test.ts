import { join } from 'node:path';
import { unwrap, type Result } from '@agentcompany/protocol';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentBus } from './bus.ts';
import { openBus } from './open-bus.ts';
import { claimOne, makeEnvelope, testError } from './testing/support.ts';
import { mayMount, mountTinyDisk, type TinyDisk } from './testing/tiny-disk.ts';

const codeOf = (result: Result<unknown>): string => (result.ok ? 'success' : result.error.code);

function integrityOf(file: string): unknown {
  const database = new Database(file, { readonly: true });
  try {
    return database.pragma('integrity_check', { simple: true });
  } finally {
    database.close();
  }
}

const large = (kibibytes: number) => ({ envelope: makeEnvelope({ payload: { text: 'x'.repeat(kibibytes * 1024) } }) });

describe.skipIf(!mayMount()).each(['file', 'sqlite'] as const)(
  'the %s bus on a full disk',
  { timeout: 60_000 },
  (adapter) => {
    let disk: TinyDisk;
    let bus: AgentBus;
    const open = async (): Promise<AgentBus> => unwrap(await openBus({ adapter, folder: join(disk.folder, 'bus') }));

    beforeEach(async () => {
      const mounted = mountTinyDisk(32 * 1024 * 1024);
      if (mounted === null) throw new Error('cannot mount');
      disk = mounted;
      bus = await open();
    });
    afterEach(async () => {
      await bus.close();
      disk.remove();
    });

    /** Sends until the disk is full, the last ones small; returns how many went through. */
    async function sendUntilFull(): Promise<number> {
      let sent = 0;
      for (const kibibytes of [256, 32, 1]) {
        while (codeOf(await bus.send([large(kibibytes)])) === 'success') sent += 1;
      }
      return sent;
    }

    it('S72 refuses new work first, ends what is open out of the reserve, and goes on by itself when there is room', async () => {
      unwrap(await bus.send(Array.from({ length: 200 }, () => ({ envelope: makeEnvelope() }))));
      disk.fill(3 * 1024 * 1024);
      const sent = await sendUntilFull();
      expect(sent).toBeGreaterThan(3);
      for (let ended = 0; ended < 150; ended += 1) {
        const delivery = await claimOne(bus, 'workers');
        const result = { envelope: makeEnvelope({ recipient: 'engine', inReplyTo: delivery.envelope.id }) };
        unwrap(await (ended === 7 ? bus.reject(delivery, testError, []) : bus.complete(delivery, [result])));
        expect(codeOf(await bus.send([{ envelope: makeEnvelope() }]))).toBe('AC_BUS_FULL');
      }
      const waiting = unwrap(await bus.queues()).find(({ queue }) => queue === 'workers')?.waiting;
      expect(waiting).toBe(200 + sent - 150);
      if (adapter === 'sqlite') expect(integrityOf(join(disk.folder, 'bus', 'bus.db'))).toBe('ok');
      disk.free();
      unwrap(await bus.send([large(256)]));
    });

    it('S72 opens on a full disk, where what waits can be ended', async () => {
      unwrap(await bus.send(Array.from({ length: 20 }, () => ({ envelope: makeEnvelope() }))));
      disk.fill();
      await bus.close();
      bus = await open();
      expect(codeOf(await bus.send([large(256)]))).toBe('AC_BUS_FULL');
      for (let ended = 0; ended < 20; ended += 1) unwrap(await bus.complete(await claimOne(bus, 'workers'), []));
    });

    it('S72 of calls that share a step only the new work is refused', async () => {
      unwrap(await bus.send([{ envelope: makeEnvelope() }]));
      const delivery = await claimOne(bus, 'workers');
      disk.fill();
      const results = await Promise.all([bus.send([large(512)]), bus.complete(delivery, []), bus.send([large(512)])]);
      expect(results.map(codeOf)).toEqual(['AC_BUS_FULL', 'success', 'AC_BUS_FULL']);
    });
  },
);
