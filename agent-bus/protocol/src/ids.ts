/** Identifiers: UUIDv7 for what is new, UUIDv8 derived from a key for what may be sent again (RFC 9562; DESIGN §3). */

function format(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function stamp(bytes: Uint8Array, version: number): Uint8Array {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | (version << 4);
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes;
}

/** A new UUIDv7: 48 bits of `unixMilliseconds`, the rest random (RFC 9562 §5.7). */
export function newId(unixMilliseconds: number = Date.now()): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let index = 0; index < 6; index += 1) bytes[index] = Math.floor(unixMilliseconds / 2 ** (8 * (5 - index))) % 256;
  return format(stamp(bytes, 7));
}

/** The UUIDv8 derived from `key`: the first 16 bytes of its SHA-256, version and variant set (RFC 9562 §5.8). The same key gives the same id. */
export async function derivedId(key: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key));
  return format(stamp(new Uint8Array(digest).slice(0, 16), 8));
}
