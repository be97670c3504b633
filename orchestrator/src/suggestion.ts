/** Levenshtein distance: how many characters to insert, delete or replace. */
function distance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}

/** `, did you mean X?` for the nearest of `known` within a third of the word's length (at least 1), else an empty text. */
export function suggestion(word: string, known: Iterable<string>): string {
  let best: { readonly name: string; readonly far: number } | null = null;
  const wanted = word.slice(0, 80).toLowerCase();
  for (const name of known) {
    const far = distance(wanted, name.toLowerCase());
    if (far <= Math.max(1, Math.floor(name.length / 3)) && (best === null || far < best.far)) best = { name, far };
  }
  return best === null ? '' : `, did you mean ${best.name}?`;
}
