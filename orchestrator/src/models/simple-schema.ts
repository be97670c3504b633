import type { JsonSchema } from './model.ts';

/** What every provider's structured output understands; bounds and patterns stay with the check on our side. */
const keptWords = new Set([
  'type',
  'properties',
  'required',
  'items',
  'anyOf',
  'enum',
  'const',
  'description',
  'additionalProperties',
]);

/** A JSON schema reduced to what providers accept: the form of the answer without its bounds. */
export function simpleSchema(schema: JsonSchema): JsonSchema {
  return Object.fromEntries(
    Object.entries(schema).flatMap(([word, value]): [string, unknown][] => {
      if (word === 'oneOf') return [['anyOf', simplified(value)]];
      if (!keptWords.has(word)) return [];
      return [[word, word === 'properties' ? namedSchemas(value) : simplified(value)]];
    }),
  );
}

function simplified(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(simplified);
  return isSchema(value) ? simpleSchema(value) : value;
}

function namedSchemas(value: unknown): unknown {
  if (!isSchema(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, simplified(schema)]));
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
