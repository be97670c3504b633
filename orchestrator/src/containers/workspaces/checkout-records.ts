import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A checkout in a volume of the engine, whole and never changed again. */
export interface PreparedCheckout {
  /** Also names its volume. */
  readonly id: string;
  /** The engine whose volume it is, as `engineKey` tells it. */
  readonly engine: string;
  /** Absolute folder of the mirror the commit is from. */
  readonly mirror: string;
  readonly commit: string;
  readonly files: number;
  /** What it takes of the engine's disk, nearly. */
  readonly bytes: number;
}

/** What a record that is no checkout (yet) is about: volumes that are to be removed when their process is gone. */
export interface Unfinished {
  readonly id: string;
  readonly kind: 'checkout' | 'mount';
}

/** Names of the engine's volumes that belong to a record. */
export const volumesOf = {
  checkout: (id: string): string => `agentcompany-checkout-${id}`,
  changes: (id: string): string => `agentcompany-changes-${id}`,
  overlay: (id: string): string => `agentcompany-overlay-${id}`,
};

const suffixes = { ready: '.json', checkout: '.checkout.part', mount: '.mount.part' } as const;

/**
 * What of the engine's volumes is ours: a file for each in a folder of the home, written before the volume is made and gone after it
 * is. What a process that was killed left has a name that says so.
 */
export class CheckoutRecords {
  readonly #folder: string;
  /** What this process is making or has mounted. */
  readonly #ours = new Set<string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Puts on record that volumes are about to be made. Rejects with what the file system says. */
  async begin(kind: Unfinished['kind']): Promise<string> {
    const id = randomUUID();
    this.#ours.add(id);
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await writeFile(this.#file(id, kind), '', { flag: 'wx', mode: 0o600, flush: true });
    await this.#sync();
    return id;
  }

  /** The checkout with this id is whole: from now on it is found. */
  async finish(checkout: PreparedCheckout): Promise<void> {
    const part = this.#file(checkout.id, 'checkout');
    await writeFile(part, JSON.stringify({ version: 1, ...checkout }), { mode: 0o600, flush: true });
    await rename(part, this.#file(checkout.id, 'ready'));
    await this.#sync();
    this.#ours.delete(checkout.id);
  }

  /** Called when the volumes are gone. */
  async forget(id: string, kind: keyof typeof suffixes): Promise<void> {
    await rm(this.#file(id, kind), { force: true });
    this.#ours.delete(id);
  }

  async noteUse(id: string): Promise<void> {
    const now = new Date();
    await utimes(this.#file(id, 'ready'), now, now).catch(() => undefined);
  }

  /** When a checkout was last used, in milliseconds since 1970. */
  async lastUse(id: string): Promise<number> {
    return (await stat(this.#file(id, 'ready')).catch(() => null))?.mtimeMs ?? 0;
  }

  /** All records; of the unfinished ones those of other processes. */
  async read(): Promise<{ readonly ready: readonly PreparedCheckout[]; readonly unfinished: readonly Unfinished[] }> {
    const names = await readdir(this.#folder).catch(() => []);
    const ready: PreparedCheckout[] = [];
    const unfinished: Unfinished[] = [];
    for (const name of names) {
      const [id = ''] = name.split('.', 1);
      if (this.#ours.has(id)) continue;
      if (name === id + suffixes.mount) unfinished.push({ id, kind: 'mount' });
      else if (name === id + suffixes.checkout) unfinished.push({ id, kind: 'checkout' });
      else if (name === id + suffixes.ready) {
        const checkout = await readCheckout(join(this.#folder, name), id);
        if (checkout !== null) ready.push(checkout);
      }
    }
    return { ready, unfinished };
  }

  #file(id: string, kind: keyof typeof suffixes): string {
    return join(this.#folder, id + suffixes[kind]);
  }

  async #sync(): Promise<void> {
    await using folder = await open(this.#folder, 'r');
    await folder.sync();
  }
}

async function readCheckout(file: string, id: string): Promise<PreparedCheckout | null> {
  const found: unknown = JSON.parse(await readFile(file, 'utf8').catch(() => 'null'));
  if (typeof found !== 'object' || found === null) return null;
  const text = (name: string): string => String(Reflect.get(found, name) ?? '');
  const amount = (name: string): number => Number(Reflect.get(found, name) ?? 0);
  return {
    id,
    engine: text('engine'),
    mirror: text('mirror'),
    commit: text('commit'),
    files: amount('files'),
    bytes: amount('bytes'),
  };
}
