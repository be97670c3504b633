/** Paths that a record names one by one: a worker decides how many there are. */
export const maximumListed = 100;
const maximumNamed = 20;

/** Paths for a message: the first few, and how many more. */
export function listPaths(paths: readonly string[]): string {
  const more = paths.length - maximumNamed;
  return paths.slice(0, maximumNamed).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
