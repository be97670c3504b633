/** What a TLS client says first, as far as it concerns whom it means to speak with. */
export interface ClientHello {
  /** `server_name` (RFC 6066) in lower case; null: absent, or not one plain name. */
  readonly serverName: string | null;
  /** The name that is meant may be another, encrypted one (ECH). */
  readonly isEncrypted: boolean;
}

/** A hello that is whole; `more`: its rest is to come; `not_tls`: these bytes never become one. */
export type ReadHello = ClientHello | 'more' | 'not_tls';

const recordHeader = 5;
const handshake = 22;
const clientHello = 1;
const serverNameExtension = 0;
const encryptedHelloExtensions: ReadonlySet<number> = new Set([0xfe0d, 0xfe08, 0xfe09, 0xfe0a, 0xfe0b, 0xfe0c]);
const largestRecord = 16_640;
/** Bytes of a hello; post-quantum keys take two thousand. */
export const largestHello = 32_768;

/** Reads from the beginning of a connection. Never throws; takes nothing that is not complete and consistent. */
export function readClientHello(bytes: Buffer): ReadHello {
  const message = handshakeBytes(bytes);
  if (typeof message === 'string') return message;
  const cursor = new Cursor(message);
  try {
    cursor.skip(2 + 32);
    cursor.block(1);
    cursor.block(2);
    cursor.block(1);
    if (cursor.isAtEnd) return { serverName: null, isEncrypted: false };
    return readExtensions(cursor.block(2));
  } catch (error) {
    if (error instanceof RangeError) return 'not_tls';
    throw error;
  }
}

/** The body of the first handshake message, which may lie in several records. */
function handshakeBytes(bytes: Buffer): Buffer | 'more' | 'not_tls' {
  const pieces: Buffer[] = [];
  let [at, have] = [0, 0];
  for (;;) {
    if (have >= 4) {
      const start = Buffer.concat(pieces);
      if (start[0] !== clientHello) return 'not_tls';
      const length = start.readUIntBE(1, 3);
      if (length > largestHello) return 'not_tls';
      if (have >= 4 + length) return start.subarray(4, 4 + length);
    }
    if (bytes.length > at && bytes[at] !== handshake) return 'not_tls';
    if (bytes.length > at + 1 && bytes[at + 1] !== 3) return 'not_tls';
    if (bytes.length < at + recordHeader) return 'more';
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > largestRecord) return 'not_tls';
    const piece = bytes.subarray(at + recordHeader, at + recordHeader + length);
    if (piece.length < length) return 'more';
    pieces.push(piece);
    have += length;
    at += recordHeader + length;
  }
}

function readExtensions(extensions: Cursor): ClientHello {
  let serverName: string | null = null;
  let [names, isEncrypted] = [0, false];
  while (!extensions.isAtEnd) {
    const type = extensions.number(2);
    const content = extensions.block(2);
    if (encryptedHelloExtensions.has(type)) isEncrypted = true;
    if (type !== serverNameExtension) continue;
    names += 1;
    serverName = readServerName(content);
  }
  return { serverName: names === 1 ? serverName : null, isEncrypted };
}

function readServerName(content: Cursor): string | null {
  const list = content.block(2);
  const type = list.number(1);
  const name = list.block(2).text();
  const isPlain = type === 0 && list.isAtEnd && content.isAtEnd && /^[\x21-\x7e]+$/.test(name);
  return isPlain ? name.toLowerCase() : null;
}

/** Reads fields of fixed size and blocks with their length before them. Throws a RangeError beyond the end. */
class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  skip(count: number): void {
    if (this.#at + count > this.#bytes.length) throw new RangeError('beyond the end');
    this.#at += count;
  }

  number(size: number): number {
    this.skip(size);
    return this.#bytes.readUIntBE(this.#at - size, size);
  }

  block(lengthSize: number): Cursor {
    const length = this.number(lengthSize);
    this.skip(length);
    return new Cursor(this.#bytes.subarray(this.#at - length, this.#at));
  }

  text(): string {
    return this.#bytes.toString('latin1');
  }
}
