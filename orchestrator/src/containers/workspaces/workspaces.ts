import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { success, type AppError, type Result } from '@agentcompany/protocol';
import type { SealedTerms } from '../sealed-container.ts';
import type { WorkerLimits } from '../worker-container.ts';
import type { OwnedCheckout } from '../worker-runner.ts';
import { CheckoutRecords, volumesOf, type PreparedCheckout } from './checkout-records.ts';
import { mountOverlay, proveOverlay, type HelperTerms, type MountedWorkspace } from './mount-overlay.ts';
import { prepareCheckout } from './prepare-checkout.ts';
import type { TreeFacts } from './tree-facts.ts';

export interface WorkspacesOptions {
  /** Folder of the home in which the volumes are on record. */
  readonly folder: string;
  readonly facts: TreeFacts;
  readonly instance: string;
  readonly host: string;
  readonly runtimeFolder: string | null;
  readonly terms: () => Promise<Result<SealedTerms>>;
  /** Id of an image of ours. */
  readonly image: () => Promise<Result<string>>;
  readonly log: (event: string, details: Readonly<Record<string, unknown>>) => void;
  /** Files from which on a checkout is prepared: a smaller one is made in the time a mount takes. */
  readonly leastFiles?: number;
  /** Bytes all prepared checkouts may take together. */
  readonly mostBytes?: number;
  /** Replaces the time before a preparation, in tests. */
  readonly politeMs?: number;
}

const defaultLeastFiles = 1000;
const defaultMostBytes = 8 * 1024 ** 3;
/** Part of the files that may differ from a prepared checkout: more is quicker checked out anew, or worth preparing anew. */
const usableShare = 1 / 2;
const freshShare = 1 / 20;
/** Prepared checkouts of one mirror that a commit is compared with. */
const mostCompared = 3;
/** Failures after which no more checkouts are prepared by this process. */
const mostFailures = 3;
/** Milliseconds in which a small repository is taken to stay one. */
const smallMs = 600_000;
/** Milliseconds that whoever asked has for their own checkout before one is prepared beside it. */
const politeMs = 2000;

/** A prepared checkout from which a workspace is to be made. */
export type Lower = Pick<PreparedCheckout, 'id' | 'commit'>;

/**
 * Workspaces at the cost of a mount (docs/adr/0022-workspaces.md): checkouts of large repositories are prepared beside the work, and
 * mounted below what a worker changes. No work waits for one: until it is there, and where it is not to be had, the worker checks out
 * into memory.
 */
export class Workspaces {
  readonly #options: WorkspacesOptions;
  readonly #records: CheckoutRecords;
  readonly #checkouts = new Map<string, PreparedCheckout>();
  readonly #uses = new Map<string, number>();
  /** Mirrors whose checkouts are not worth preparing, and until when that is believed. */
  readonly #small = new Map<string, number>();
  readonly #closing = new AbortController();
  readonly #releasing = new Set<Promise<void>>();
  #loaded: Promise<undefined> | null = null;
  #preparing: Promise<void> | null = null;
  #isProven = false;
  #failures = 0;
  #refusal: string | null = null;

  constructor(options: WorkspacesOptions) {
    this.#options = options;
    this.#records = new CheckoutRecords(options.folder);
  }

  /**
   * The prepared checkout that is nearest to a commit; null where there is none near enough. Sees to it that there will be one, where
   * the repository is large. Never fails, and asks nothing of a mirror that has none.
   */
  async lowerFor(mirror: string, commit: string): Promise<Lower | null> {
    if (this.#refusal !== null || this.#closing.signal.aborted) return null;
    const terms = await this.#options.terms();
    if (!terms.ok) return null;
    await this.#load();
    const nearest = await this.#nearest(engineKey(terms.value), mirror, commit);
    const share = nearest === null ? 1 : nearest.difference / nearest.checkout.files;
    if (share > freshShare) this.#prepareLater(mirror, commit);
    return share <= usableShare ? (nearest?.checkout ?? null) : null;
  }

  /** Mounts a prepared checkout for one container; null where that fails, which is noted. */
  async mount(lower: Lower, mirror: string, limits: WorkerLimits): Promise<MountedWorkspace | null> {
    const terms = await this.#helperTerms(mirror);
    if (!terms.ok) return null;
    this.#use(lower.id, 1);
    void this.#records.noteUse(lower.id);
    const mounted = await mountOverlay(terms.value, volumesOf.checkout(lower.id), limits);
    if (!mounted.ok) {
      this.#use(lower.id, -1);
      await this.distrust(lower, mounted.error);
      return null;
    }
    const release = async (): Promise<void> => {
      const releasing = mounted.value.release().then(() => {
        this.#use(lower.id, -1);
        return this.#makeRoom(null);
      });
      this.#releasing.add(releasing);
      await releasing.finally(() => this.#releasing.delete(releasing));
    };
    return { volume: mounted.value.volume, release };
  }

  /** A container on this checkout did not start: it is used no more. */
  async distrust(lower: Lower, error: AppError): Promise<void> {
    this.#note(error);
    const checkout = this.#checkouts.get(lower.id);
    if (checkout !== undefined) await this.#remove(checkout);
  }

  async reasonForMemory(): Promise<Result<string | null>> {
    const terms = await this.#helperTerms('/');
    if (!terms.ok) return terms;
    const { engine } = terms.value.sealed;
    const id = await this.#records.begin('checkout');
    const name = volumesOf.checkout(id);
    const { instance } = this.#options;
    const made = await engine.volumeCreate({ name, instance, content: { kind: 'disk' } });
    const proven = made.ok ? await proveOverlay(terms.value, name) : made;
    const removed = await engine.volumeRemove(name);
    if (removed.ok) await this.#records.forget(id, 'checkout');
    return success(proven.ok ? null : reasonOf(proven.error));
  }

  /** Resolves when nothing is being prepared. */
  async settled(): Promise<void> {
    await this.#preparing;
    await Promise.all(this.#releasing);
  }

  /** What of the engine's disk is taken by checkouts, and for what. */
  async owned(): Promise<readonly OwnedCheckout[]> {
    await this.#load();
    return Promise.all(
      [...this.#checkouts.values()].map(async ({ id, mirror, commit, bytes }) => {
        const lastUsed = new Date(await this.#records.lastUse(id)).toISOString();
        return { id, mirrorFolder: mirror, commit, bytes, lastUsed, isInUse: this.#isInUse(id) };
      }),
    );
  }

  /** Removes a checkout that is not in use. Returns the bytes that are free again; 0 where it is in use or not there. */
  async remove(id: string): Promise<number> {
    await this.#load();
    const checkout = this.#checkouts.get(id);
    return checkout !== undefined && (await this.#remove(checkout)) ? checkout.bytes : 0;
  }

  /**
   * Removes what processes that are gone left half made, and checkouts of mirrors that are gone. To be called when the containers of
   * such processes are gone, and before any work. Returns how many volumes went.
   */
  async sweep(): Promise<number> {
    const terms = await this.#options.terms();
    if (!terms.ok) return 0;
    const { engine } = terms.value;
    const { unfinished } = await this.#records.read();
    let removed = 0;
    for (const { id, kind } of unfinished) {
      const volumes = kind === 'checkout' ? [volumesOf.checkout(id)] : [volumesOf.overlay(id), volumesOf.changes(id)];
      const gone = await Promise.all(volumes.map((name) => engine.volumeRemove(name)));
      if (!gone.every(({ ok }) => ok)) continue;
      await this.#records.forget(id, kind);
      removed += volumes.length;
    }
    await this.#load();
    for (const checkout of this.#checkouts.values())
      if (!existsSync(checkout.mirror) && (await this.#remove(checkout))) removed += 1;
    return removed;
  }

  /** Stops preparing. What is mounted stays until it is released. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.settled();
  }

  /** One at a time; whoever asks meanwhile will ask again. */
  #prepareLater(mirror: string, commit: string): void {
    if (this.#preparing !== null || this.#isSmall(mirror)) return;
    this.#preparing = this.#prepareWhere(mirror, commit).finally(() => (this.#preparing = null));
  }

  async #prepareWhere(mirror: string, commit: string): Promise<void> {
    const wait = this.#options.politeMs ?? politeMs;
    await setTimeout(wait, undefined, { signal: this.#closing.signal }).catch(() => null);
    if (this.#closing.signal.aborted) return;
    const size = await this.#options.facts.size(mirror, commit);
    if (!size.ok) return this.#note(size.error);
    if (size.value.files < (this.#options.leastFiles ?? defaultLeastFiles)) {
      this.#small.set(mirror, performance.now() + smallMs);
      return;
    }
    const terms = await this.#helperTerms(mirror);
    if (terms.ok) await this.#prepare(terms.value, commit, size.value);
    else this.#note(terms.error);
  }

  #isSmall(mirror: string): boolean {
    return (this.#small.get(mirror) ?? 0) > performance.now();
  }

  async #helperTerms(mirrorFolder: string): Promise<Result<HelperTerms>> {
    const { instance, host, terms, image } = this.#options;
    const sealed = await terms();
    if (!sealed.ok) return sealed;
    const imageId = await image();
    if (!imageId.ok) return imageId;
    return success({
      sealed: sealed.value,
      instance,
      host,
      imageId: imageId.value,
      mirrorFolder,
      records: this.#records,
    });
  }

  #load(): Promise<undefined> {
    return (this.#loaded ??= this.#records.read().then(({ ready }) => {
      for (const checkout of ready) this.#checkouts.set(checkout.id, checkout);
      return undefined;
    }));
  }

  async #nearest(engine: string, mirror: string, commit: string) {
    const candidates = [...this.#checkouts.values()]
      .filter((checkout) => checkout.engine === engine && checkout.mirror === mirror)
      .toReversed();
    const exact = candidates.find((checkout) => checkout.commit === commit);
    if (exact !== undefined) return { checkout: exact, difference: 0 };
    let nearest: { checkout: PreparedCheckout; difference: number } | null = null;
    for (const checkout of candidates.slice(0, mostCompared)) {
      const difference = await this.#options.facts.difference(mirror, checkout.commit, commit);
      if (difference.ok && difference.value < (nearest?.difference ?? Infinity))
        nearest = { checkout, difference: difference.value };
    }
    return nearest;
  }

  async #prepare(
    terms: HelperTerms,
    commit: string,
    size: { readonly files: number; readonly bytes: number },
  ): Promise<void> {
    const { engine } = terms.sealed;
    const id = await this.#records.begin('checkout');
    const volume = volumesOf.checkout(id);
    const done = await this.#makeCheckout(terms, volume, commit);
    if (done.ok) {
      const { files, bytes } = size;
      const checkout = { id, engine: engineKey(terms.sealed), mirror: terms.mirrorFolder, commit, files, bytes };
      await this.#records.finish(checkout);
      this.#checkouts.set(id, checkout);
      await this.#makeRoom(id);
      return;
    }
    if (!this.#closing.signal.aborted) this.#note(done.error);
    const removed = await engine.volumeRemove(volume);
    if (removed.ok) await this.#records.forget(id, 'checkout');
  }

  async #makeCheckout(terms: HelperTerms, volume: string, commit: string): Promise<Result<undefined>> {
    const { runtimeFolder, instance } = this.#options;
    const made = await terms.sealed.engine.volumeCreate({ name: volume, instance, content: { kind: 'disk' } });
    if (!made.ok) return made;
    const prepared = await prepareCheckout({ terms, runtimeFolder, volume, commit, signal: this.#closing.signal });
    if (!prepared.ok || this.#isProven) return prepared;
    const proven = await proveOverlay(terms, volume);
    if (proven.ok) this.#isProven = true;
    else if (!this.#closing.signal.aborted) this.#refuse(reasonOf(proven.error));
    return proven;
  }

  /** Removes checkouts that nobody uses, the longest unused first, until the rest are small enough; never the one just `made`. */
  async #makeRoom(made: string | null): Promise<void> {
    const unused = await Promise.all(
      [...this.#checkouts.values()].map(async (checkout) => ({
        checkout,
        lastUse: await this.#records.lastUse(checkout.id),
      })),
    );
    const total = (): number => [...this.#checkouts.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { checkout } of unused.toSorted((left, right) => left.lastUse - right.lastUse)) {
      if (total() <= (this.#options.mostBytes ?? defaultMostBytes)) return;
      if (checkout.id !== made) await this.#remove(checkout);
    }
  }

  async #remove({ id }: PreparedCheckout): Promise<boolean> {
    if (this.#isInUse(id)) return false;
    this.#checkouts.delete(id);
    const terms = await this.#options.terms();
    if (!terms.ok) return false;
    const removed = await terms.value.engine.volumeRemove(volumesOf.checkout(id));
    if (removed.ok) await this.#records.forget(id, 'ready');
    return removed.ok;
  }

  #use(id: string, change: 1 | -1): void {
    this.#uses.set(id, (this.#uses.get(id) ?? 0) + change);
  }

  #isInUse(id: string): boolean {
    return (this.#uses.get(id) ?? 0) > 0;
  }

  #note(error: AppError): void {
    this.#failures += 1;
    this.#options.log('checkout-not-prepared', { error });
    if (this.#failures >= mostFailures) this.#refuse(reasonOf(error));
  }

  /** Said once: from now on workspaces lie in memory. */
  #refuse(reason: string): void {
    if (this.#refusal !== null) return;
    this.#refusal = reason;
    this.#options.log('workspaces-in-memory', { reason });
  }
}

function reasonOf({ message, cause }: AppError): string {
  return cause === null ? message : `${message}: ${cause.slice(0, 300)}`;
}

/** Tells engines apart whose volumes are not the same. */
function engineKey({ info }: SealedTerms): string {
  return `${info.flavour} ${info.name} ${info.dataRoot}`;
}
