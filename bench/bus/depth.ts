import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { AgentBus, BusAdapter } from '@agentcompany/agent-bus';
import { unwrap } from '@agentcompany/protocol';
import { median } from '../measure.ts';
import type { PreparedMeasurement, Run } from '../measurement.ts';
import { BusQueue } from './bus-queue.ts';
import { benchQueue, inBatches, makeMessages } from './message.ts';
import type { Opened } from './opening-process.ts';
import { openScene, type Scene } from './scene.ts';
import { settle } from './settle.ts';

export const [deep, shallow] = [100_000, 10];
/** Claims a round. */
const samples = 60;
/** Messages that are made at a time while a store is filled. */
const portion = 5000;
const openingScript = fileURLToPath(new URL('./opening-process.ts', import.meta.url));

async function fill(bus: AgentBus, count: number): Promise<void> {
  const queue = new BusQueue(bus);
  for (let sent = 0; sent < count; sent += portion)
    await queue.send(inBatches(makeMessages(Math.min(portion, count - sent)), 100));
}

/**
 * The median time of one claim in a round, in milliseconds. What was claimed is ended and one message sent in its stead
 * outside of the time, so that the depth stays and every claim is of another message.
 */
function claiming(bus: AgentBus): Run {
  return async () => {
    const times: number[] = [];
    await settle();
    for (const envelope of makeMessages(samples)) {
      const begun = performance.now();
      const received = await bus.receive(benchQueue, { max: 1, waitMs: 0, leaseMs: 60_000 });
      times.push(performance.now() - begun);
      const [delivery] = unwrap(received);
      if (delivery === undefined) throw new Error('a queue that holds messages gave none');
      unwrap(await bus.complete(delivery, []));
      unwrap(await bus.send([{ envelope }]));
    }
    return median(times);
  };
}

async function openElsewhere(scene: Scene, adapter: BusAdapter, name: string): Promise<Opened> {
  const child = fork(openingScript, [JSON.stringify(await scene.storeOptions(adapter, name))]);
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`${adapter}: the opening process ended`)));
  ended.catch(() => undefined);
  const [opened] = (await Promise.race([once(child, 'message'), ended])) as [Opened];
  await ended.catch(() => undefined);
  return opened;
}

/** What a process needs to open a store that holds `waiting` messages. */
export function openingNote(name: string, waiting: number, { milliseconds, bytes }: Opened): string {
  const mebibytes = Math.round(bytes / 1024 ** 2);
  return `P6, ${name} with ${waiting.toLocaleString('en')} waiting: opened in ${milliseconds.toFixed(0)} ms by a new process, which then has ${mebibytes} MiB`;
}

/** One store with `deep` messages waiting, and as its floor one of the same adapter with `shallow`. */
export async function prepareDepth(adapter: BusAdapter, name: string): Promise<PreparedMeasurement> {
  const scene = await openScene();
  const [full, small] = [await scene.open(adapter, 'deep'), await scene.open(adapter, 'shallow')];
  await fill(full, deep);
  await fill(small, shallow);
  await settle();
  const notes = async (): Promise<readonly string[]> => [
    openingNote(name, deep, await openElsewhere(scene, adapter, 'deep')),
    openingNote(name, shallow, await openElsewhere(scene, adapter, 'shallow')),
  ];
  return { floor: claiming(small), sides: [claiming(full)], notes, close: () => scene.close() };
}
