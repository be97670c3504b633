import { isAbsolute, join } from 'node:path';
import { workerUid } from '../create-body.ts';
import type { VolumeContent } from '../container-engine.ts';

/** A comma or colon would begin another mount option, or another folder. */
const plainFolder = /^[^,:=\\\s]+$/;
const volumeName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$/;

/**
 * Options of the `local` volume driver for a volume with this content, on an engine whose data lie in `dataRoot`; null where a name
 * could smuggle another mount option in. The folder of `lower` is used whole and none inside it, which a container could have made a
 * link to anywhere.
 */
export function volumeOptions(content: VolumeContent, dataRoot: string): Record<string, string> | null {
  if (content.kind === 'disk') return {};
  if (content.kind === 'memory') {
    if (!Number.isSafeInteger(content.bytes) || content.bytes <= 0) return null;
    const owner = `mode=0755,uid=${workerUid},gid=${workerUid}`;
    return { type: 'tmpfs', device: 'tmpfs', o: `size=${content.bytes},${owner},nosuid,nodev` };
  }
  const { lower, changes } = content;
  if (!isAbsolute(dataRoot) || !plainFolder.test(dataRoot)) return null;
  if (!volumeName.test(lower) || !volumeName.test(changes)) return null;
  const folderOf = (volume: string): string => join(dataRoot, 'volumes', volume, '_data');
  const layers = [
    `lowerdir=${folderOf(lower)}`,
    `upperdir=${join(folderOf(changes), 'upper')}`,
    `workdir=${join(folderOf(changes), 'work')}`,
  ];
  return { type: 'overlay', device: 'overlay', o: ['nosuid', 'nodev', ...layers].join(',') };
}
