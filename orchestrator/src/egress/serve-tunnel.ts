import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { largestHello, readClientHello } from './client-hello.ts';
import { metered, type EgressConnection } from './egress-connection.ts';
import { Cut } from './refusal.ts';

/**
 * A connection that is not looked into. Its first words must be TLS and name the host of the connection: an allowed host that serves others
 * beside itself is no tunnel to those by name. What is said after that is seen by nobody; bytes are counted, and the end is on record.
 */
export async function serveTunnel(stream: Duplex, connection: EgressConnection): Promise<void> {
  const { limits, note } = connection;
  const counts = { sent_bytes: 0, received_bytes: 0 };
  const life = setTimeout(() => stream.destroy(new Cut('silent')), limits.lifeMs);
  try {
    const source: AsyncIterator<Buffer> = stream.iterator({ destroyOnReturn: false });
    const hello = await firstWords(stream, source, connection);
    const upstream = await reach(connection);
    await exchange({ stream, source, hello, upstream }, connection, counts);
    await note({ event: 'closed', ...counts });
  } catch (error) {
    if (error instanceof Cut) await note({ event: 'refused', reason: error.reason, ...counts });
    // Either end went away: that is an end like another.
    else await note({ event: 'closed', ...counts });
  } finally {
    clearTimeout(life);
    stream.destroy();
  }
}

/** The bytes of a hello that names the host. */
async function firstWords(
  stream: Duplex,
  source: AsyncIterator<Buffer>,
  { limits, target }: EgressConnection,
): Promise<Buffer> {
  const timer = setTimeout(() => stream.destroy(new Cut('silent')), limits.helloMs);
  try {
    let bytes = Buffer.alloc(0);
    for (;;) {
      const { value, done } = await source.next();
      if (done === true) throw new Cut('not_tls');
      bytes = Buffer.concat([bytes, value]);
      const hello = readClientHello(bytes);
      if (hello === 'not_tls' || bytes.length > 2 * largestHello) throw new Cut('not_tls');
      if (hello === 'more') continue;
      if (hello.isEncrypted || hello.serverName !== target.host) throw new Cut('server_name');
      return bytes;
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Connects to the checked address. Throws a `Cut`. */
async function reach({ network, address, target, limits }: EgressConnection): Promise<Socket> {
  const upstream = network.connect(address, target.port);
  try {
    await once(upstream, 'connect', { signal: AbortSignal.timeout(limits.connectMs) });
    return upstream;
  } catch {
    upstream.destroy();
    throw new Cut('unreachable');
  }
}

interface Ends {
  readonly stream: Duplex;
  readonly source: AsyncIterator<Buffer>;
  readonly hello: Buffer;
  readonly upstream: Socket;
}

async function exchange(
  { stream, source, hello, upstream }: Ends,
  connection: EgressConnection,
  counts: { sent_bytes: number; received_bytes: number },
): Promise<void> {
  const both = (error: Error): void => {
    upstream.destroy(error);
    stream.destroy(error);
  };
  const idle = setTimeout(() => both(new Cut('silent')), connection.limits.idleMs);
  const count = (way: keyof typeof counts) => (bytes: number) => {
    idle.refresh();
    counts[way] += bytes;
  };
  try {
    await Promise.all([
      pipeline(afterwards(hello, source), metered(connection, 'upload', count('sent_bytes')), upstream),
      pipeline(upstream, metered(connection, 'download', count('received_bytes')), stream),
    ]);
  } catch (error) {
    both(error instanceof Error ? error : new Error(String(error)));
    throw error;
  } finally {
    clearTimeout(idle);
  }
}

async function* afterwards(hello: Buffer, source: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield hello;
  yield* { [Symbol.asyncIterator]: () => source };
}
