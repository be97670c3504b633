import type { IncomingHttpHeaders } from 'node:http2';

/** What the headers of an upload announce. */
export interface BundleAnnouncement {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Reads `content-length` and `content-digest: sha-256=:<base64>:` (RFC 9530) of an upload.
 * Null when either is absent or malformed: an upload whose size and digest are unknown is not taken.
 */
export function readAnnouncement(headers: IncomingHttpHeaders): BundleAnnouncement | null {
  const length = headers['content-length'] ?? '';
  const digest = headers['content-digest'];
  const match = typeof digest === 'string' ? /^sha-256=:([A-Za-z0-9+/]{43}=):$/.exec(digest) : null;
  if (!/^\d{1,15}$/.test(length) || match?.[1] === undefined) return null;
  return { bytes: Number(length), sha256: Buffer.from(match[1], 'base64').toString('hex') };
}
