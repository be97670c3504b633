import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Result } from '@agentcompany/protocol';
import type { LeftoverKind } from '../../company-facade.ts';

/** Something that is ours and that nobody needs any more. */
export interface Leftover {
  readonly kind: LeftoverKind;
  /** Container id, file or reference. */
  readonly name: string;
  /** Whose it was. */
  readonly owner: string;
  /** Bytes on disk that go with it. */
  readonly bytes: number;
  readonly remove: () => Promise<Result<undefined>>;
}

/** Bytes on disk of a file, or of a folder with all below it; what goes meanwhile is nothing. Links are not followed. */
export async function bytesOnDisk(path: string): Promise<number> {
  const status = await lstat(path).catch(() => null);
  if (status === null) return 0;
  const blockBytes = 512;
  let bytes = status.blocks * blockBytes;
  if (!status.isDirectory()) return bytes;
  for (const name of await readdir(path).catch(() => [])) bytes += await bytesOnDisk(join(path, name));
  return bytes;
}
