import { createHash } from 'node:crypto';

/** Names that are the same on every file system, Windows' included, and no path: `/` alone is replaced. */
const plain = /^[a-z0-9][a-z0-9_/-]*(\.[a-z0-9_/-]+)*$/;
const reserved = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/;
const maxLength = 150;

/**
 * The file name of a queue or stream: `/` becomes `+`, which no name has. A name that some file system could not keep apart from
 * others (run ids are free text) becomes `=` and a part of its SHA-256.
 */
export function fileNameOf(name: string): string {
  if (plain.test(name) && !reserved.test(name) && name.length <= maxLength) return name.replaceAll('/', '+');
  return `=${createHash('sha256').update(name).digest('hex').slice(0, 40)}`;
}
