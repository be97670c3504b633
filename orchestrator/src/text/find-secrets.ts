import { secretForms } from './secret-forms.ts';

/** A secret of the company by the name a person knows it by. */
export interface KnownSecret {
  readonly name: string;
  readonly value: string;
}

/** Shorter values are words that occur anyway. */
const shortestKnown = 8;

/** Looks for the secrets it was made of, as they are and as somebody would disguise them; gives their names, never their values. */
export type SecretFinder = (text: string) => readonly string[];

/**
 * A finder of known secrets (S43): as they are, reversed, in hexadecimal, percent-encoded and base64 (at any offset, either alphabet), in
 * any case, and with white space, hidden characters or punctuation between their characters. Text may be bytes read as Latin-1.
 */
export function knownSecretFinder(secrets: readonly KnownSecret[]): SecretFinder {
  const sought = secrets
    .filter(({ value }) => value.length >= shortestKnown)
    .map(({ name, value }) => ({ name, needles: disguises(value) }));
  if (sought.length === 0) return () => [];
  return (text) => {
    const plain = squeeze(text);
    return sought.filter(({ needles }) => needles.some((needle) => plain.includes(needle))).map(({ name }) => name);
  };
}

/** What in a short text has the form of a secret, by kind (S43): known beginnings, and strings that only chance could have written. */
export function findSecretForms(text: string): readonly string[] {
  const found = secretForms.filter(([, form]) => form.test(text)).map(([kind]) => kind);
  const tokens = text.match(/[A-Za-z0-9+_=-]{32,512}/gu) ?? [];
  return found.length === 0 && tokens.some(isRandom) ? ['a random string'] : found;
}

/** Letters and digits alone, in one case: what stands between them, and which alphabet base64 had, changes nothing. */
function squeeze(text: string): string {
  return text.replace(/[^A-Za-z0-9]+/gu, '').toLowerCase();
}

function disguises(value: string): readonly string[] {
  const reversed = [...value].toReversed().join('');
  const needles = [value, reversed].flatMap((text) => {
    const bytes = Buffer.from(text, 'utf8');
    return [text, bytes.toString('hex'), ...[0, 1, 2].map((offset) => insideOfBase64(bytes, offset))];
  });
  const codes = [...Buffer.from(value, 'utf8')].map((byte) => byte.toString(16).padStart(2, '0'));
  return [...needles, codes.map((code) => `x${code}`).join(''), codes.map((code) => `u00${code}`).join('')]
    .map(squeeze)
    .filter((needle) => needle.length >= shortestKnown);
}

/** The characters of the base64 form, begun `offset` bytes into a group, that depend on nothing but these bytes. */
function insideOfBase64(bytes: Buffer, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replaceAll('=', '');
  const first = Math.ceil((offset * 8) / 6);
  const whole = Math.floor(((offset + bytes.length) * 8) / 6);
  return encoded.slice(first, whole);
}

/** As many different characters as chance gives (Shannon), and letters of both cases and digits mixed as in no name. */
function isRandom(token: string): boolean {
  const counts = new Map<string, number>();
  for (const character of token) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / token.length) * Math.log2(count / token.length);
  const kinds = Array.from(token, kindOf);
  const changes = kinds.filter((kind, index) => index > 0 && kind !== kinds[index - 1]).length;
  return bits >= 4.2 && changes >= token.length * 0.45 && new Set(kinds).has('digit');
}

function kindOf(character: string): string {
  if (/[0-9]/u.test(character)) return 'digit';
  if (/[A-Z]/u.test(character)) return 'capital';
  return /[a-z]/u.test(character) ? 'letter' : 'sign';
}
