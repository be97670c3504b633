import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { connect, type ConnectionOptions } from 'node:tls';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readClientHello } from './client-hello.ts';

/** What Node's own TLS says first. */
async function helloOf(options: ConnectionOptions): Promise<Buffer> {
  const [near, far] = duplexPair();
  const socket = connect({ socket: near, ...options });
  socket.on('error', () => undefined);
  const [bytes] = (await once(far, 'data')) as [Buffer];
  socket.destroy();
  return bytes;
}

/** The same in records of `size` bytes. */
function inRecords(hello: Buffer, size: number): Buffer {
  const body = hello.subarray(5);
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const piece = body.subarray(at, at + size);
    pieces.push(Buffer.from([22, 3, 1, piece.length >> 8, piece.length & 255]), piece);
  }
  return Buffer.concat(pieces);
}

/** A hello with another extension at its end. */
function withExtension(hello: Buffer, type: number, content: Buffer): Buffer {
  const extension = Buffer.concat([Buffer.alloc(4), content]);
  extension.writeUInt16BE(type, 0);
  extension.writeUInt16BE(content.length, 2);
  const made = Buffer.concat([hello, extension]);
  const session = 5 + 4 + 34;
  const ciphers = session + 1 + (made[session] ?? 0);
  const compression = ciphers + 2 + made.readUInt16BE(ciphers);
  const extensions = compression + 1 + (made[compression] ?? 0);
  made.writeUInt16BE(made.readUInt16BE(3) + extension.length, 3);
  made.writeUIntBE(made.readUIntBE(6, 3) + extension.length, 6, 3);
  made.writeUInt16BE(made.readUInt16BE(extensions) + extension.length, extensions);
  return made;
}

function serverName(name: string): Buffer {
  const bytes = Buffer.from(name);
  return Buffer.concat([Buffer.from([0, bytes.length + 3, 0, 0, bytes.length]), bytes]);
}

describe('the first words of a TLS client', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('name the server in %s', async (version) => {
    const hello = await helloOf({ servername: 'Registry.Example.org', minVersion: version, maxVersion: version });
    expect(readClientHello(hello)).toEqual({ serverName: 'registry.example.org', isEncrypted: false });
  });

  it('S45 are read whole from many records, and asked for more until then', async () => {
    const hello = inRecords(await helloOf({ servername: 'a.example' }), 7);
    expect(readClientHello(hello)).toMatchObject({ serverName: 'a.example' });
    for (let length = 0; length < hello.length; length += 1)
      expect(readClientHello(hello.subarray(0, length)), `${length} bytes`).toBe('more');
  });

  it('S45 name nobody where the name is absent, there twice, or encrypted', async () => {
    const hello = await helloOf({ servername: '' });
    expect(readClientHello(hello)).toMatchObject({ serverName: null });
    const named = await helloOf({ servername: 'a.example' });
    expect(readClientHello(withExtension(named, 0, serverName('b.example')))).toMatchObject({ serverName: null });
    expect(readClientHello(withExtension(hello, 0, serverName('b.example')))).toMatchObject({
      serverName: 'b.example',
    });
    expect(readClientHello(withExtension(named, 0xfe0d, Buffer.alloc(9)))).toMatchObject({ isEncrypted: true });
  });

  it.each([
    ['plain HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
    ['SSH', Buffer.from('SSH-2.0-OpenSSH_9.2\r\n')],
    ['TLS that is no hello', Buffer.from([22, 3, 1, 0, 5, 2, 0, 0, 1, 0])],
    ['an empty record', Buffer.from([22, 3, 1, 0, 0])],
    ['a length beyond all', Buffer.from([22, 3, 1, 0, 4, 1, 255, 255, 255])],
  ])('S45 are not %s', (_, bytes) => expect(readClientHello(bytes)).toBe('not_tls'));

  it('never throw, whatever is changed in them', async () => {
    const hello = await helloOf({ servername: 'a.example' });
    const change = fc.tuple(fc.nat({ max: hello.length - 1 }), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), fc.nat({ max: hello.length }), (changes, length) => {
        const altered = Buffer.from(hello);
        for (const [at, value] of changes) altered[at] = value;
        expect(() => readClientHello(altered.subarray(0, length))).not.toThrow();
      }),
    );
  });
});
