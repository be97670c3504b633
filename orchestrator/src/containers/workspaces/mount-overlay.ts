import { once } from 'node:events';
import { failure, success, type Result } from '@agentcompany/protocol';
import { containerErrors } from '../errors.ts';
import { createSealed, type SealedTerms } from '../sealed-container.ts';
import { volumeShares, type WorkerLimits } from '../worker-container.ts';
import { volumesOf, type CheckoutRecords } from './checkout-records.ts';

/** What containers that only keep something mounted are made with: an image of ours, for what they write is trusted. */
export interface HelperTerms {
  readonly sealed: SealedTerms;
  readonly instance: string;
  readonly host: string;
  readonly imageId: string;
  readonly mirrorFolder: string;
  readonly records: CheckoutRecords;
}

/** A volume that is a checkout to whoever mounts it, and keeps what they change in memory. */
export interface MountedWorkspace {
  readonly volume: string;
  /** Unmounts and forgets what was changed; to be called once no container has it mounted. Never rejects. */
  release(): Promise<void>;
}

const readyMs = 20_000;
const mebibyte = 1_048_576;
const holderLimits: WorkerLimits = {
  memoryBytes: 64 * mebibyte,
  pids: 16,
  cpus: 1,
  workspaceBytes: mebibyte,
  temporaryBytes: mebibyte,
};

/**
 * Lays an overlay over the volume `lower`. What changes goes to a limited file system in memory, which lives as long as a container
 * has it mounted: a holder, which also made the folders in it that an overlay needs. The kernel takes those folders by name, so
 * neither the worker nor its image may ever write beside them. Errors: those of the engine.
 */
export async function mountOverlay(
  terms: HelperTerms,
  lower: string,
  limits: WorkerLimits,
): Promise<Result<MountedWorkspace>> {
  const { records, instance } = terms;
  const { engine } = terms.sealed;
  const id = await records.begin('mount');
  const [changes, overlay] = [volumesOf.changes(id), volumesOf.overlay(id)];
  let holder: (() => Promise<void>) | null = null;
  const release = async (): Promise<void> => {
    await holder?.();
    const removed = await Promise.all([engine.volumeRemove(overlay), engine.volumeRemove(changes)]);
    // What could not be removed stays on record for the next sweep.
    if (removed.every(({ ok }) => ok)) await records.forget(id, 'mount');
  };
  const made = await engine.volumeCreate({
    name: changes,
    instance,
    content: { kind: 'memory', bytes: volumeShares(limits).changes },
  });
  const held = made.ok ? await hold(terms, changes, lower) : made;
  if (held.ok) holder = held.value;
  const laid = held.ok
    ? await engine.volumeCreate({ name: overlay, instance, content: { kind: 'overlay', lower, changes } })
    : held;
  if (laid.ok) return success({ volume: overlay, release });
  await release();
  return laid;
}

/**
 * Keeps a volume mounted by a container that makes two folders in it, until the returned function is called. That it comes up shows
 * that the volume can be mounted and written to. `kept` is a volume that must not go meanwhile. Errors: those of the engine, `AC_ENGINE_FAILED`.
 */
async function hold(terms: HelperTerms, volume: string, kept?: string): Promise<Result<() => Promise<void>>> {
  const { sealed, instance, host, imageId, mirrorFolder } = terms;
  const owner = { instance, host, purpose: 'hold' } as const;
  const place = {
    imageId,
    mirrorFolder,
    runtimeFolder: null,
    limits: holderLimits,
    caches: [],
    workspaceVolume: volume,
  };
  const keeping = kept === undefined ? {} : { keptVolume: kept };
  const created = await createSealed(sealed, { owner, ...place, ...keeping });
  if (!created.ok) return created;
  const { id, attachment } = created.value;
  let lastWords = '';
  attachment.log.on('data', (chunk: Buffer) => (lastWords = (lastWords + chunk.toString('utf8')).slice(-500)));
  attachment.log.on('error', () => undefined);
  attachment.door.on('error', () => undefined);
  const remove = async (): Promise<void> => {
    attachment.close();
    await sealed.engine.remove(id);
  };
  const saysReady = once(attachment.door, 'data', { signal: AbortSignal.timeout(readyMs) }).then(
    ([first]) => String(first).startsWith('ready'),
    () => false,
  );
  const ended = once(attachment.door, 'end').then(
    () => false,
    () => false,
  );
  const started = await sealed.engine.start(id);
  if (started.ok && (await Promise.race([saysReady, ended]))) return success(remove);
  await remove();
  return started.ok ? failure(containerErrors.AC_ENGINE_FAILED({ action: 'write to a volume' }, lastWords)) : started;
}

/** Whether overlays can be mounted and written to, by doing it on `lower`. Errors: those of the engine. */
export async function proveOverlay(terms: HelperTerms, lower: string): Promise<Result<undefined>> {
  const mounted = await mountOverlay(terms, lower, { ...holderLimits, workspaceBytes: 4 * mebibyte });
  if (!mounted.ok) return mounted;
  const written = await hold(terms, mounted.value.volume);
  if (written.ok) await written.value();
  await mounted.value.release();
  return written.ok ? success() : written;
}
