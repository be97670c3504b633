import { secretForms } from './text/secret-forms.ts';

const shapes = secretForms.map(([, form]) => new RegExp(form.source, `${form.flags}g`));
const placeholder = '[secret]';
/** A shorter value would blot out ordinary words. */
const shortestSecret = 6;

function redactText(text: string, secrets: readonly string[]): string {
  const known = secrets.reduce((rest, secret) => rest.replaceAll(secret, placeholder), text);
  return shapes.reduce((rest, shape) => rest.replaceAll(shape, placeholder), known);
}

/** A record of JSON values of bounded depth with every occurrence of a secret, and all that looks like one, replaced; names too. */
export function redactSecrets(
  record: Readonly<Record<string, unknown>>,
  secrets: readonly string[],
): Readonly<Record<string, unknown>> {
  // A secret that is part of another one must not leave the rest of it.
  const sorted = secrets.filter(({ length }) => length >= shortestSecret).toSorted((a, b) => b.length - a.length);
  return redactRecord(record, sorted);
}

function redactRecord(record: object, secrets: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(record).map(([name, item]) => [redactText(name, secrets), redact(item, secrets)]),
  );
}

function redact(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return redactText(value, secrets);
  if (Array.isArray(value)) return value.map((item) => redact(item, secrets));
  return typeof value === 'object' && value !== null ? redactRecord(value, secrets) : value;
}
