import { statSync } from 'node:fs';
import { bellFile, readBell } from './bell.ts';
import { journalFolder, segmentFile } from './segments.ts';
import { storageError } from './storage-error.ts';

/**
 * Where the journal in `folder` ends and which file that is, without reading it. Null where the bell does not tell of all there is: a writer
 * is at it or was killed, or the files are not those of the bell, or cannot be looked at.
 */
export function journalEnd(folder: string): string | null {
  try {
    return visibleEnd(folder);
  } catch (thrown) {
    // What is wrong with it is told by whoever opens it.
    if (storageError(thrown, folder) !== null) return null;
    throw thrown;
  }
}

function visibleEnd(folder: string): string | null {
  const visible = readBell(bellFile(folder));
  if (visible === null) return null;
  const file = (segment: number): string => segmentFile(journalFolder(folder), segment);
  const found = statSync(file(visible.segment), { bigint: true });
  const next = statSync(file(visible.segment + 1), { throwIfNoEntry: false });
  if (found.size !== BigInt(visible.offset) || next !== undefined) return null;
  // A copy that was put back and written on may be as long: it is another file, or one that was changed since.
  return [visible.segment, visible.offset, found.ino, found.ctimeNs].join(' ');
}
