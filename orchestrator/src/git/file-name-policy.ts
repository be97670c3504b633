/** Characters that HFS+ drops when it compares names. */
const ignorable = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/gu;
// oxlint-disable-next-line no-control-regex -- control characters are what is refused
const control = /[\u0000-\u001f\u007f-\u009f\ufffd]/u;
const reserved =
  /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])(?:\..*)?$/u;
/** `.git` as NTFS may shorten it, and the short names of git's own files. */
const shortName = /^(?:git|gitmod|gi7eba|gitatt|gi7d29|gitign|gi250a)~[0-9]+$/u;

/**
 * A name as the least discerning file system sees it: compatibility of case (APFS, NTFS), composition (HFS+), ignorable
 * characters (HFS+), trailing dots and spaces (NTFS). Two names that fold alike are one file somewhere.
 */
export function foldName(name: string): string {
  // Nearly every name is plain ASCII, and a tree has hundreds of thousands: the short way for those.
  if (/^[!-~]*[!-\-/-~]$/u.test(name)) return name.toLowerCase();
  const composed = name.replace(ignorable, '').normalize('NFC');
  return composed
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .normalize('NFC')
    .replace(/[. ]+$/u, '');
}

/** `foldName` for each part of a path. */
export function foldPath(path: string): string {
  // The same short way for a whole path, where no part ends with a dot.
  if (/^[!-~]*[!-\-/-~]$/u.test(path) && !path.includes('./')) return path.toLowerCase();
  return path.split('/').map(foldName).join('/');
}

/** The rule a single file or folder name breaks, or null. */
function judgeName(name: string): string | null {
  if (name === '' || name === '.' || name === '..') return 'dot-name';
  if (control.test(name)) return 'control-character';
  if (name.includes('\\')) return 'backslash';
  const folded = foldName(name);
  if (folded === '.git' || folded.startsWith('.git:')) return 'git-folder';
  if (shortName.test(folded)) return 'short-name';
  if (name.includes(':')) return 'colon';
  if (/[. ]$/u.test(name)) return 'trailing-dot-or-space';
  if (reserved.test(folded)) return 'reserved-name';
  if (Buffer.byteLength(name) > 255) return 'long-name';
  return null;
}

/** The rule a path breaks by its names alone, or null. */
export function judgePathNames(path: string): string | null {
  if (Buffer.byteLength(path) > 4096) return 'long-path';
  for (const name of path.split('/')) {
    const rule = judgeName(name);
    if (rule !== null) return rule;
  }
  return null;
}
