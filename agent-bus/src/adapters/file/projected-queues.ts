import { mkdir, readFile, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readEntry } from '../../stored-envelope.ts';
import type { EnvelopeReader } from './envelope-reader.ts';
import { fileNameOf } from './projection-names.ts';
import { isOpen, type DeliveryNode } from './queue-index.ts';
import type { State } from './state.ts';
import { isMissing } from './storage-error.ts';

const fileName = /^([0-9a-f-]{36})\.json$/;

/** `queues/<queue>/<envelope id>.json`: what waits or is leased. For people; never read back as truth. */
export class ProjectedQueues {
  readonly #folder: string;
  readonly #envelopes: EnvelopeReader;

  constructor(folder: string, envelopes: EnvelopeReader) {
    this.#folder = join(folder, 'queues');
    this.#envelopes = envelopes;
  }

  /** Marks what has a file, and takes away files of what is no more. What is open and has none is left to `update`. */
  async compare(state: State): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const queues = new Map([...state.queues.keys()].map((name) => [fileNameOf(name), name]));
    for (const folder of await readdir(this.#folder)) {
      const queue = queues.get(folder);
      for (const name of await namesIn(join(this.#folder, folder))) {
        const entry = state.ledger.find(fileName.exec(name)?.[1] ?? '');
        const node = queue === undefined || entry === undefined ? undefined : state.delivery(queue, entry.position);
        if (node !== undefined && isOpen(node)) node.isProjected = true;
        else if (fileName.test(name)) await rm(join(this.#folder, folder, name), { force: true });
      }
      if (queue === undefined) await removeEmpty(join(this.#folder, folder));
    }
  }

  /** Makes the file of a delivery what it should be. */
  async update(node: DeliveryNode, state: State): Promise<void> {
    const path = this.#pathOf(node, state);
    if (path === null || isOpen(node) === node.isProjected) return;
    if (node.isProjected) {
      await rm(path, { force: true });
      node.isProjected = false;
      return;
    }
    await this.#write(node, path, state);
    node.isProjected = true;
  }

  /** Mends the file of a delivery that someone has changed or removed. */
  async mend(node: DeliveryNode, state: State): Promise<void> {
    const path = this.#pathOf(node, state);
    if (path === null || !node.isProjected) return;
    const found = await readFile(path, 'utf8').catch(() => null);
    if (isOpen(node) && found !== this.#text(node, state)) await this.#write(node, path, state);
  }

  async #write(node: DeliveryNode, path: string, state: State): Promise<void> {
    const text = this.#text(node, state);
    try {
      await writeFile(path, text, { mode: 0o600 });
    } catch (thrown) {
      if (!isMissing(thrown)) throw thrown;
      await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
      await writeFile(path, text, { mode: 0o600 });
    }
  }

  #pathOf(node: DeliveryNode, state: State): string | null {
    const entry = state.ledger.at(node.position);
    return entry === undefined ? null : join(this.#folder, fileNameOf(node.queue.name), `${entry.id}.json`);
  }

  #text(node: DeliveryNode, state: State): string {
    const entry = state.ledger.at(node.position);
    const envelope = entry === undefined ? null : readEntry(this.#envelopes.row(entry)).envelope;
    return `${JSON.stringify(envelope, null, 2)}\n`;
  }
}

/** What lies in a folder; nothing where it is none. */
async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}

/** A folder in which people keep something stays. */
async function removeEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch(() => undefined);
}
