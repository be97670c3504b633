/** What an error of the client means for the call. */
export type ErrorKind =
  /** The connection went, or never was: what had been sent may have been done. */
  | 'lost'
  /** The server has not done it, and may do it later. */
  | 'unready'
  | 'full'
  | 'login'
  | 'no script'
  /** The store does not hold what it must. */
  | 'damaged'
  | 'bug';

const kinds: readonly (readonly [pattern: RegExp, kind: ErrorKind])[] = [
  [/\bOOM\b|\bMISCONF\b/, 'full'],
  [/^(READONLY|LOADING|MASTERDOWN|NOREPLICAS|BUSY|TRYAGAIN|CLUSTERDOWN)\b|\b(READONLY You|NOREPLICAS Not)/, 'unready'],
  [/^(NOAUTH|WRONGPASS|NOPERM)\b|invalid password|NOPERM/, 'login'],
  [/^NOSCRIPT\b/, 'no script'],
  [/WRONGTYPE|\bLOST entry\b/, 'damaged'],
];

/** Sorts what ioredis rejects with: answers of the server by their first word, everything else is the connection. */
export function kindOf(thrown: unknown): ErrorKind {
  if (!(thrown instanceof Error)) return 'bug';
  const kind = kinds.find(([pattern]) => pattern.test(thrown.message))?.[1];
  if (kind !== undefined) return kind;
  return thrown.name === 'ReplyError' ? 'bug' : 'lost';
}
