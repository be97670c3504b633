/** Places in a text where a JSON value may begin that are tried: a hostile answer must not cost quadratic time. */
const maximumStarts = 20;

/**
 * The JSON values an answer may mean, the likeliest first: the whole text, what stands in code fences, and what begins at the
 * first brackets and reaches to the last of their kind.
 */
export function findJson(text: string): readonly unknown[] {
  const whole = text.trim();
  const fenced = [...whole.matchAll(/```[\w-]*[ \t]*\r?\n([\s\S]*?)```/g)].map(([, inside = '']) => inside.trim());
  const starts = [...whole.matchAll(/[[{]/g)].slice(0, maximumStarts).map(({ index }) => {
    const end = whole.lastIndexOf(whole[index] === '{' ? '}' : ']');
    return end > index ? whole.slice(index, end + 1) : '';
  });
  return [whole, ...fenced.slice(0, maximumStarts), ...starts].flatMap((candidate) => {
    try {
      const value: unknown = JSON.parse(candidate);
      return typeof value === 'object' && value !== null ? [value] : [];
    } catch {
      return [];
    }
  });
}
