/** Words of Google's schemas that hold schemas themselves. */
const nested = ['items', 'additionalProperties'] as const;

/** Google's form of a schema (`"type": "OBJECT"`, `nullable`) as JSON schema; what is one already stays as it is. */
export function toJsonSchema(schema: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { type, nullable, properties, anyOf, ...rest } = schema;
  const result: Record<string, unknown> = { ...rest };
  if (typeof type === 'string') result['type'] = nullable === true ? [type.toLowerCase(), 'null'] : type.toLowerCase();
  else if (type !== undefined) result['type'] = type;
  for (const key of nested) if (isSchema(rest[key])) result[key] = toJsonSchema(rest[key]);
  if (Array.isArray(anyOf)) result['anyOf'] = anyOf.map((one: unknown) => (isSchema(one) ? toJsonSchema(one) : one));
  if (isSchema(properties))
    result['properties'] = Object.fromEntries(
      Object.entries(properties).map(([name, one]) => [name, isSchema(one) ? toJsonSchema(one) : one]),
    );
  return result;
}

function isSchema(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
