import { closeSync, fdatasyncSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { timed } from '../measure.ts';
import type { Run } from '../measurement.ts';
import { makeMessages } from './message.ts';
import { settle } from './settle.ts';

/** Records a second: each is appended to one file and synced before the next, in calls that block. */
export function appending(folder: string, count: number): Run {
  return async () => {
    const records = makeMessages(count).map((message) => Buffer.from(JSON.stringify(message)));
    const file = openSync(join(folder, 'records'), 'a');
    await settle();
    const taken = await timed(async () => {
      for (const record of records) {
        writeSync(file, record);
        fdatasyncSync(file);
      }
    });
    closeSync(file);
    return count / (taken / 1000);
  };
}

function writeMessageFile(folder: string, directory: number, name: string, text: string): void {
  const part = join(folder, `${name}.part`);
  const file = openSync(part, 'w');
  writeSync(file, text);
  fsyncSync(file);
  closeSync(file);
  renameSync(part, join(folder, name));
  fsyncSync(directory);
}

/** Messages a second, each a file of its own: written beside its place, synced, renamed, its folder synced. */
export function writingFiles(folder: string, count: number): Run {
  return async () => {
    const messages = makeMessages(count).map((message) => [message.id, JSON.stringify(message)] as const);
    const directory = openSync(folder, 'r');
    await settle();
    const taken = await timed(async () => {
      for (const [name, text] of messages) writeMessageFile(folder, directory, name, text);
    });
    closeSync(directory);
    return count / (taken / 1000);
  };
}

/** The same with `inFlight` files at a time, as far as Node's four threads for files let them. */
export function writingFilesAtOnce(folder: string, count: number, inFlight: number): Run {
  return async () => {
    const messages = makeMessages(count).map((message) => [message.id, JSON.stringify(message)] as const);
    const directory = await open(folder, 'r');
    const writeOne = async ([name, text]: readonly [string, string]): Promise<void> => {
      const part = join(folder, `${name}.part`);
      const file = await open(part, 'w');
      await file.write(text);
      await file.sync();
      await file.close();
      await rename(part, join(folder, name));
      await directory.sync();
    };
    await settle();
    const taken = await timed(() => keepInFlight(messages, inFlight, writeOne));
    await directory.close();
    return count / (taken / 1000);
  };
}

/** Does `work` on every item, at most `inFlight` at a time. */
export async function keepInFlight<Item>(
  items: readonly Item[],
  inFlight: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const lane = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}
