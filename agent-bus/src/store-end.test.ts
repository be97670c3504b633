import { spawnSync } from 'node:child_process';
import { appendFile, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBus } from './open-bus.ts';
import { storeEnd } from './store-end.ts';
import { claimOne, makeEnvelope, makeRun, sendAll } from './testing/support.ts';
import type { AgentBus } from './bus.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'store-end-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

describe.each(['file', 'sqlite'] as const)('the end of a store, told without opening it: %s', (adapter) => {
  const store = (): { readonly adapter: typeof adapter; readonly folder: string } => ({
    adapter,
    folder: join(folder, 'bus'),
  });
  const end = (): Promise<string | null> => storeEnd(store());
  const withBus = async (use: (bus: AgentBus) => Promise<void>): Promise<void> => {
    const bus = unwrap(await openBus(store()));
    await use(bus);
    await bus.close();
  };

  /** A process that is killed in its only durable step. */
  function killedAt(moment: 'bus:before' | 'bus:after'): void {
    const program = `
      const { openBus } = await import(${JSON.stringify(new URL('open-bus.ts', import.meta.url).href)});
      const onDurableStep = (name) => name === ${JSON.stringify(moment)} && process.kill(process.pid, 'SIGKILL');
      const { value: bus } = await openBus({ ...${JSON.stringify(store())}, onDurableStep });
      await bus.send([{ envelope: ${JSON.stringify(makeEnvelope())} }]);`;
    const node = ['--conditions=development', '--input-type=module', '-e', program];
    expect(spawnSync(process.execPath, node, { stdio: ['ignore', 'inherit', 'inherit'] }).signal).toBe('SIGKILL');
  }

  it('P11 stays while nothing comes, whoever opens and closes the store, and is another after each acknowledged step', async () => {
    expect(await end()).toBeNull();
    const ends: (string | null)[] = [];
    await withBus(async (bus) => {
      for (let step = 0; step < 3; step += 1) {
        await sendAll(bus, [makeEnvelope()]);
        ends.push(await end());
      }
    });
    await withBus(async () => void ends.push(await end()));
    ends.push(await end());
    expect(ends).not.toContain(null);
    expect(new Set(ends).size).toBe(3);
    expect(ends.slice(2)).toEqual([ends[2], ends[2], ends[2]]);
  });

  it('P11 is another when a stream is dropped', async () => {
    await withBus(async (bus) => {
      const { run, envelopes } = makeRun(2);
      await sendAll(bus, envelopes);
      for (const _ of envelopes) unwrap(await bus.complete(await claimOne(bus, 'workers'), []));
      await sendAll(bus, [makeEnvelope()]);
      const before = await end();
      const dropped = await bus.compact({ closedBefore: Number.MAX_SAFE_INTEGER, streams: [run] });
      expect(unwrap(dropped).streams).toBe(1);
      expect(await end()).not.toBe(before);
    });
  });

  it('P11 is never what it was before a step that a killed process wrote and nobody was told of', async () => {
    await withBus((bus) => sendAll(bus, [makeEnvelope()]));
    const before = await end();
    killedAt('bus:after');
    expect(await end()).not.toBe(before);
    let last = 0;
    await withBus(async (bus) => void (last = unwrap(await bus.lastPosition())));
    expect(last).toBe(2);
    const told = await end();
    killedAt('bus:before');
    const left = await end();
    await withBus(async (bus) => void (last = unwrap(await bus.lastPosition())));
    // What was written and not synced may turn out to count: then it was not passed over.
    expect(left === told).toBe(last === 2);
  });

  it('P11 is another for a copy that was put back and has grown to the same length', async () => {
    const envelopes = [makeEnvelope(), makeEnvelope(), makeEnvelope()] as const;
    await withBus((bus) => sendAll(bus, [envelopes[0]]));
    await cp(join(folder, 'bus'), join(folder, 'copy'), { recursive: true, preserveTimestamps: true });
    await withBus((bus) => sendAll(bus, [envelopes[1]]));
    const before = await end();
    await rm(join(folder, 'bus'), { recursive: true });
    await cp(join(folder, 'copy'), join(folder, 'bus'), { recursive: true, preserveTimestamps: true });
    await withBus((bus) => sendAll(bus, [envelopes[2]]));
    expect(await end()).not.toBe(before);
  });

  it('P11 is not told of a store that is spoilt', async () => {
    await withBus((bus) => sendAll(bus, [makeEnvelope()]));
    const file = adapter === 'file' ? 'journal/1.log' : 'bus.db';
    if (adapter === 'file') await appendFile(join(folder, 'bus', file), 'torn');
    else await cp(import.meta.filename, join(folder, 'bus', file));
    expect(await end()).toBeNull();
  });
});
