/** Code fences of an answer that are looked at. */
const maximumFences = 20;

/**
 * The JSON values that an answer is: the whole text, else what stands in code fences, else the object or the array that begins
 * first and reaches to the last bracket of its kind. Never a part of a value: an answer that is broken is not an answer.
 */
export function findJson(text: string): readonly unknown[] {
  const whole = text.trim();
  const fenced = [...whole.matchAll(/```[\w-]*[ \t]*\r?\n([\s\S]*?)```/g)].map(([, inside = '']) => inside);
  for (const candidates of [[whole], fenced.slice(0, maximumFences), embedded(whole)]) {
    const values = candidates.flatMap(parse);
    if (values.length > 0) return values;
  }
  return [];
}

/** Words before an object may hold square brackets of their own; inside an object, an array is only a part. */
function embedded(text: string): readonly string[] {
  const [brace, bracket] = [text.indexOf('{'), text.indexOf('[')];
  const object = brace < 0 ? [] : [text.slice(brace, text.lastIndexOf('}') + 1)];
  if (bracket < 0 || (brace >= 0 && brace < bracket)) return object;
  const end = text.lastIndexOf(']') + 1;
  const array = text.slice(bracket, end);
  return end > brace && parse(array).length > 0 ? [array] : [...object, array];
}

function parse(text: string): readonly object[] {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? [value] : [];
  } catch {
    return [];
  }
}
