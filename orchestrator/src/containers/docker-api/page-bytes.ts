import { readFileSync } from 'node:fs';

/** The entry of the auxiliary vector that tells the size of a page (AT_PAGESZ, getauxval(3)). */
const pageSizeEntry = 6n;
const wordBytes = 8;

/** Bytes of a memory page of the kernel this process runs on; null where it does not tell, as outside Linux. */
export function pageBytes(): number | null {
  try {
    const vector = readFileSync('/proc/self/auxv');
    for (let at = 0; at + 2 * wordBytes <= vector.length; at += 2 * wordBytes)
      if (vector.readBigUInt64LE(at) === pageSizeEntry) return Number(vector.readBigUInt64LE(at + wordBytes));
    return null;
  } catch {
    return null;
  }
}
