import { success, type AppError, type Result } from '@agentcompany/protocol';
import type { ContainerEngine } from '../../containers/container-engine.ts';
import { forgetMadeImage } from '../../made-images.ts';
import { openEngine } from '../../open-workers.ts';
import { listImages, ownRepositories, type ImageReport, type ImagesOptions, type ImageUsage } from './list-images.ts';

/** An image that went, or would. */
export interface PrunedImage extends Pick<ImageReport, 'purpose' | 'id' | 'references'> {
  /** What it has more than those of our images that stay. */
  readonly bytes: number;
  /** Why it is still there, such as `AC_IMAGE_IN_USE`; null: it is gone, or would be. */
  readonly error: AppError | null;
}

export interface PruneReport {
  readonly dry_run: boolean;
  readonly images: readonly PrunedImage[];
  readonly bytes_freed: number;
}

/**
 * Removes the images that `listImages` calls unused: made by this installation and replaced since, or built for this home and of no open
 * run. Nothing that a container stands on. Errors: those of `listImages`.
 */
export async function pruneImages(
  options: ImagesOptions,
  usage: ImageUsage | null,
  { dryRun }: { readonly dryRun: boolean },
): Promise<Result<PruneReport>> {
  const images = await listImages(options, usage);
  if (!images.ok) return images;
  const engine = await openEngine(options);
  if (!engine.ok) return engine;
  const unused = images.value.filter(({ state }) => state === 'unused');
  const sizes = await ownBytes(engine.value, unused);
  if (!sizes.ok) return sizes;
  const pruned: PrunedImage[] = [];
  // What stands on others goes first: the newest.
  const order = unused.toSorted((one, other) => (other.created_at ?? '').localeCompare(one.created_at ?? ''));
  for (const { purpose, id, references } of order) {
    const error = dryRun ? null : await removeAll(engine.value, options.installation, { id, references });
    pruned.push({ purpose, id, references, bytes: sizes.value.get(id) ?? 0, error });
  }
  const freed = pruned.reduce((sum, { bytes, error }) => sum + (error === null ? bytes : 0), 0);
  return success({ dry_run: dryRun, images: pruned, bytes_freed: freed });
}

async function removeAll(
  engine: ContainerEngine,
  installation: string,
  { id, references }: Pick<ImageReport, 'id' | 'references'>,
): Promise<AppError | null> {
  for (const reference of references) {
    const removed = await engine.imageRemove(reference);
    if (!removed.ok) return removed.error;
    await forgetMadeImage(installation, { reference, id });
  }
  return null;
}

/** Bytes of each of `unused` beyond the largest of our images whose layers it begins with. */
async function ownBytes(
  engine: ContainerEngine,
  unused: readonly ImageReport[],
): Promise<Result<ReadonlyMap<string, number>>> {
  const listed = await engine.imageList(ownRepositories);
  if (!listed.ok) return listed;
  const all = [];
  for (const { id } of listed.value) {
    const details = await engine.imageInspect(id);
    if (details.ok) all.push(details.value);
    else if (details.error.code !== 'AC_IMAGE_UNKNOWN') return details;
  }
  const begins = (layers: readonly string[], other: readonly string[]): boolean =>
    other.length < layers.length && other.every((layer, index) => layers[index] === layer);
  const bytes = new Map<string, number>();
  for (const { id } of unused) {
    const image = all.find((details) => details.id === id);
    if (image === undefined) continue;
    const below = all.filter(({ layers }) => begins(image.layers, layers)).map((details) => details.bytes);
    bytes.set(id, image.bytes - Math.max(0, ...below));
  }
  return success(bytes);
}
