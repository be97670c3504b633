/** Decodings of a path; one that still changes after so many hides something. */
const deepest = 3;

/**
 * A path as an origin may understand it, for comparing with `paths`: every escape undone, dots resolved. Null where that cannot be told
 * for sure: segments that only appear when decoded twice, backslashes, controls.
 */
export function plainPath(pathname: string): string | null {
  let plain = pathname;
  for (let depth = 0; depth < deepest; depth += 1) {
    const decoded = decode(plain);
    if (decoded === null) return null;
    if (decoded === plain) return isPlain(plain) ? plain : null;
    plain = decoded;
  }
  return null;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function isPlain(path: string): boolean {
  return !/[\p{Cc}\\]/u.test(path) && !path.split('/').some((segment) => segment === '.' || segment === '..');
}

/** Whether a plain path begins with one of these, by whole segments; `/` is every path. */
export function isBelow(path: string, beginnings: readonly string[]): boolean {
  return beginnings.some((beginning) => {
    const folder = beginning.endsWith('/') ? beginning : `${beginning}/`;
    return path === beginning || path.startsWith(folder);
  });
}
