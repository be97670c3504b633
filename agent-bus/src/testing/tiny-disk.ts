import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own in memory, to be filled up. */
export interface TinyDisk {
  readonly folder: string;
  /** Takes up all room but `leave` bytes with a file. */
  fill(leave?: number): void;
  /** Removes what `fill` made. */
  free(): void;
  remove(): void;
}

/** True where this process may mount: it needs root. */
export function mayMount(): boolean {
  const disk = mountTinyDisk(64 * 1024);
  disk?.remove();
  return disk !== null;
}

/** Mounts a tmpfs of `bytes`; null where that is not allowed. */
export function mountTinyDisk(bytes: number): TinyDisk | null {
  const folder = mkdtempSync(join(tmpdir(), 'tiny-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'tmpfs', folder]);
  if (mounted.status !== 0) {
    rmSync(folder, { recursive: true });
    return null;
  }
  const ballast = join(folder, 'ballast');
  return {
    folder,
    fill: (leave = 0) => {
      const { bavail, bsize } = statfsSync(folder);
      writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - leave)));
    },
    free: () => rmSync(ballast, { force: true }),
    remove: () => {
      spawnSync('umount', ['-l', folder]);
      rmSync(folder, { recursive: true });
    },
  };
}
