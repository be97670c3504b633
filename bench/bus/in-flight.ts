import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentBus, BusAdapter } from '@agentcompany/agent-bus';
import { unwrap } from '@agentcompany/protocol';
import { timed } from '../measure.ts';
import type { PreparedMeasurement, Run } from '../measurement.ts';
import { BusQueue } from './bus-queue.ts';
import { benchQueue, makeMessages } from './message.ts';
import { expectAll } from './queue-under-test.ts';
import { keepInFlight, writingFiles, writingFilesAtOnce } from './raw-floors.ts';
import { openScene, type Scene } from './scene.ts';
import { settle } from './settle.ts';

/** Sends that wait for their acknowledgement at any time. */
export const inFlight = 100;
const count = 3000;
/** A message in a file of its own is slow. */
const fileCount = 400;
/** How long the projection may take to show what was sent, in milliseconds. */
const projectionLimit = 20_000;

/** Acknowledged sends a second, each a call of its own. */
function sendingAtOnce(bus: AgentBus, name: string): Run {
  return async () => {
    const messages = makeMessages(count);
    await settle();
    const taken = await timed(() =>
      keepInFlight(messages, inFlight, async (envelope) => void unwrap(await bus.send([{ envelope }]))),
    );
    const consumer = await new BusQueue(bus).consumer(100);
    expectAll(messages, await consumer.handle(count), name);
    return count / (taken / 1000);
  };
}

/** Files of a folder that hold a message; 0 where there is no such folder yet. */
function filesIn(folder: string): number {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json')).length;
  } catch {
    return 0;
  }
}

/** How fast the file bus shows in `queues/` what it has acknowledged; from the first send on, so sends are part of it. */
async function drainNote(scene: Scene): Promise<string> {
  const bus = await scene.open('file', 'projection');
  const shown = join(scene.folder, 'file-projection', 'queues', benchQueue);
  const messages = makeMessages(count);
  await settle();
  const begun = performance.now();
  await keepInFlight(messages, inFlight, async (envelope) => void unwrap(await bus.send([{ envelope }])));
  const sent = performance.now() - begun;
  while (filesIn(shown) < count && performance.now() - begun < projectionLimit) await sleep(20);
  const files = filesIn(shown);
  const seconds = (performance.now() - begun) / 1000;
  const rate = Math.round(files / seconds);
  return `P3, projection of the file bus: ${files} of ${count} messages shown as files ${seconds.toFixed(1)} s after the first send (${rate}/s); they were acknowledged after ${(sent / 1000).toFixed(2)} s`;
}

/** Our adapters in this order, then files written at once; the floor writes a file a message, one after the other. */
export async function prepareInFlight(
  adapters: readonly BusAdapter[],
  names: Readonly<Record<BusAdapter, string>>,
): Promise<PreparedMeasurement> {
  const scene = await openScene();
  const sides: Run[] = [];
  for (const adapter of adapters) sides.push(sendingAtOnce(await scene.open(adapter, 'in-flight'), names[adapter]));
  sides.push(writingFilesAtOnce(await scene.subfolder('at-once'), fileCount, inFlight));
  const floor = writingFiles(await scene.subfolder('one-by-one'), fileCount);
  const notes = async (): Promise<readonly string[]> => (adapters.includes('file') ? [await drainNote(scene)] : []);
  return { floor, sides, notes, close: () => scene.close() };
}
