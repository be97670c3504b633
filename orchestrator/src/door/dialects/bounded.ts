import { z } from 'zod';

/** Values in one body, those inside others counted: a conversation of thousands of messages has fewer. */
const maximumValues = 50_000;

function hasTooManyValues(value: unknown): boolean {
  const left: unknown[] = [value];
  for (let count = 0; left.length > 0; count += 1) {
    if (count + left.length > maximumValues) return true;
    const item = left.pop();
    if (typeof item !== 'object' || item === null) continue;
    const inner: readonly unknown[] = Object.values(item);
    if (inner.length > maximumValues) return true;
    for (const one of inner) left.push(one);
  }
  return false;
}

/** The schema, for bodies of a bounded number of values only: the library keeps something about each that is wrong, half a gigabyte for a million. */
export function bounded<Value>(schema: z.ZodType<Value>): z.ZodType<Value> {
  const few = z.unknown().refine((value) => !hasTooManyValues(value), 'it has too many parts');
  return few.pipe(schema);
}
