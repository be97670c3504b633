import { foldName } from './file-name-policy.ts';

/**
 * The rule a symbolic link's target breaks, or null. `..` may only lead: behind a name it could climb out through
 * another link (`a/b/..` is not `a` where `b` is a link), and what leads may not climb above the repository's root.
 */
export function judgeSymlinkTarget(linkPath: string, target: Buffer): string | null {
  const text = target.toString('utf8');
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused
  if (text === '' || target.length > 4096 || /[\u0000-\u001f\u007f\\\ufffd]/u.test(text)) return 'symlink-target';
  if (text.startsWith('/') || /^[A-Za-z]:/u.test(text)) return 'symlink-absolute';
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  const climbs = parts.findIndex((part) => part !== '..');
  const leading = climbs === -1 ? parts.length : climbs;
  if (parts.slice(leading).includes('..')) return 'symlink-escapes';
  if (leading > linkPath.split('/').length - 1) return 'symlink-escapes';
  if (parts.some((part) => foldName(part) === '.git')) return 'symlink-git-folder';
  return null;
}
