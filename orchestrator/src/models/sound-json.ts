/** Levels of nesting that a value from outside may have: ours need a dozen, and what walks a value recurses. */
export const maximumDepth = 100;

/**
 * What keeps a parsed JSON value from being used; null: nothing. Depth, numbers that overflowed, and halves of characters (RFC 8785
 * forbids both) are looked at without recursion, so that no value can exhaust the stack.
 */
export function jsonProblem(value: unknown): string | null {
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > maximumDepth) return `it is nested deeper than ${maximumDepth} levels`;
    const next: unknown[] = [];
    for (const item of level) {
      if (typeof item === 'number' && !Number.isFinite(item)) return 'it holds a number that is too large';
      if (typeof item === 'string' && !item.isWellFormed()) return 'it holds half a character';
      if (typeof item !== 'object' || item === null) continue;
      if (!Array.isArray(item) && !Object.keys(item).every((key) => key.isWellFormed()))
        return 'it holds half a character';
      for (const inner of Object.values(item)) next.push(inner);
    }
    level = next;
  }
  return null;
}
