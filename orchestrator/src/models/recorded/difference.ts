/** Where two values begin to differ. */
export interface Difference {
  /** `messages.2.results.0.text`. */
  readonly path: string;
  /** What stands there, from a little before the difference on; `(nothing)` where a field is missing. */
  readonly recorded: string;
  readonly asked: string;
  /** How much was the same before it, in characters. */
  readonly same: number;
}

const before = 30;
const shown = 120;

/** The first difference of two JSON values, in the order of the first one's fields; null where they are equal. */
export function differenceOf(recorded: unknown, asked: unknown): Difference | null {
  const walk = { same: 0 };
  return find(recorded, asked, [], walk);
}

function find(left: unknown, right: unknown, path: readonly string[], walk: { same: number }): Difference | null {
  if (isObject(left) && isObject(right)) {
    for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
      const found = find(left[key], right[key], [...path, key], walk);
      if (found !== null) return found;
    }
    return null;
  }
  const [one, other] = [said(left), said(right)];
  if (one === other) {
    walk.same += one.length;
    return null;
  }
  const length = Math.min(one.length, other.length);
  let index = 0;
  while (index < length && one[index] === other[index]) index += 1;
  const start = Math.max(0, index - before);
  const cut = (text: string): string => `${start > 0 ? '…' : ''}${text.slice(start, start + shown)}`;
  return { path: path.join('.'), recorded: cut(one), asked: cut(other), same: walk.same + index };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function said(value: unknown): string {
  if (value === undefined) return '(nothing)';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
