import { isAbsolute, join } from 'node:path';
import { workerUid } from '../create-body.ts';
import { pageBytes } from './page-bytes.ts';
import type { EngineInfo, VolumeContent } from '../container-engine.ts';

/** A comma or colon would begin another mount option, or another folder. */
const plainFolder = /^[^,:=\\\s]+$/;
const volumeName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$/;

/** What of an engine the options of its volumes depend on. */
export interface VolumePlace {
  /** Absolute folder of its data. */
  readonly dataRoot: string;
  /** Bytes of the blocks in which it takes a size; 1: it takes bytes, null: their size is not known. */
  readonly blockBytes: number | null;
}

/**
 * Podman before 4.8 takes every `size` for a quota of its disk, and refuses it (containers/podman#20449). It hands the same limit in
 * pages (`nr_blocks`, tmpfs(5)) on as it is. The kernel of an engine behind a local socket is this one.
 */
export function volumePlace({ dataRoot, flavour }: Pick<EngineInfo, 'dataRoot' | 'flavour'>): VolumePlace {
  return { dataRoot, blockBytes: flavour === 'podman' ? pageBytes() : 1 };
}

function limitOf(bytes: number, blockBytes: number): string {
  return blockBytes === 1 ? `size=${bytes}` : `nr_blocks=${Math.ceil(bytes / blockBytes)}`;
}

/**
 * Options of the `local` volume driver for a volume with this content, on this engine; null where a name could
 * smuggle another mount option in, or no limit could be set. The folder of `lower` is used whole and none inside it, which a container could have made a
 * link to anywhere.
 */
export function volumeOptions(
  content: VolumeContent,
  { dataRoot, blockBytes }: VolumePlace,
): Record<string, string> | null {
  if (content.kind === 'disk') return {};
  if (content.kind === 'memory') {
    if (blockBytes === null || !Number.isSafeInteger(content.bytes) || content.bytes <= 0) return null;
    const owner = `mode=0755,uid=${workerUid},gid=${workerUid}`;
    return { type: 'tmpfs', device: 'tmpfs', o: `${limitOf(content.bytes, blockBytes)},${owner},nosuid,nodev` };
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
