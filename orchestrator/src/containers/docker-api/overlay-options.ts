import { isAbsolute } from 'node:path';
import type { ContainerEngine } from '../container-engine.ts';

type OverlayVolume = Parameters<ContainerEngine['volumeCreate']>[0];

/**
 * The driver options of an overlay volume, or null when a folder's name could smuggle in another mount option (a comma or
 * colon separates options and folders there) or is not absolute.
 */
export function overlayOptions(volume: OverlayVolume): Record<string, string> | null {
  const folders = [volume.lower, volume.upper, volume.work];
  if (!folders.every((folder) => isAbsolute(folder) && /^[^,:=\\\s]+$/.test(folder))) return null;
  return {
    type: 'overlay',
    device: 'overlay',
    o: `lowerdir=${volume.lower},upperdir=${volume.upper},workdir=${volume.work}`,
  };
}
