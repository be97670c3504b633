import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { largestHello, readClientHello } from './client-hello.ts';
import { abortOf, metered, type EgressConnection } from './egress-connection.ts';
import { Cut } from './refusal.ts';

/** What a worker's program has to close its side once the host has closed the other. */
const lingerMs = 1000;

/**
 * A connection that is not looked into. Its first words must be TLS and name the host of the connection: an allowed host that serves others
 * beside itself is no tunnel to those by name. What is said after that is seen by nobody; bytes are counted, and the end is on record.
 */
export async function serveTunnel(stream: Duplex, connection: EgressConnection): Promise<void> {
  const { limits, note } = connection;
  const counts = { sent_bytes: 0, received_bytes: 0 };
  const life = setTimeout(() => stream.destroy(new Cut('silent')), limits.lifeMs);
  try {
    await firstWords(stream, connection);
    const upstream = await reach(connection);
    await exchange(stream, upstream, connection, counts);
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

/** Waits for a hello that names the host, and leaves it to be read. Throws a `Cut`. */
async function firstWords(stream: Duplex, { limits, target, gone }: EgressConnection): Promise<void> {
  let bytes = Buffer.alloc(0);
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => reject(new Cut('silent')), limits.helloMs);
  const onEnd = (): void => reject(new Cut('not_tls'));
  const onData = (chunk: Buffer): void => {
    bytes = Buffer.concat([bytes, chunk]);
    const hello = readClientHello(bytes);
    if (hello === 'more' && bytes.length <= 2 * largestHello) return;
    if (typeof hello === 'string') reject(new Cut('not_tls'));
    else if (hello.isEncrypted || hello.serverName !== target.host) reject(new Cut('server_name'));
    else resolve(undefined);
    // What comes next is for the pipe.
    stream.pause();
  };
  stream.on('data', onData).once('end', onEnd).once('close', onEnd);
  try {
    await Promise.race([promise, abortOf(gone)]);
    gone.throwIfAborted();
    stream.unshift(bytes);
  } finally {
    clearTimeout(timer);
    stream.off('data', onData).off('end', onEnd).off('close', onEnd);
  }
}

/** Connects to the checked address. Throws a `Cut`. */
async function reach({ network, address, target, limits }: EgressConnection): Promise<Socket> {
  const upstream = network.connect(address, target.port);
  upstream.on('error', () => undefined);
  try {
    await once(upstream, 'connect', { signal: AbortSignal.timeout(limits.connectMs) });
    return upstream;
  } catch {
    upstream.destroy();
    throw new Cut('unreachable');
  }
}

/** Carries bytes both ways until the host has said its last; then the worker's side has a moment to close too. */
async function exchange(
  stream: Duplex,
  upstream: Socket,
  connection: EgressConnection,
  counts: { sent_bytes: number; received_bytes: number },
): Promise<void> {
  const idle = setTimeout(() => upstream.destroy(new Cut('silent')), connection.limits.idleMs);
  const count = (way: keyof typeof counts) => (bytes: number) => {
    idle.refresh();
    counts[way] += bytes;
  };
  const cuts: Cut[] = [];
  const settled = (piped: Promise<void>): Promise<void> =>
    piped.catch((error: unknown) => {
      if (error instanceof Cut) cuts.push(error);
      upstream.destroy();
    });
  const up = settled(pipeline(stream, metered(connection, 'upload', count('sent_bytes')), upstream));
  const down = settled(pipeline(upstream, metered(connection, 'download', count('received_bytes')), stream));
  const gone = abortOf(connection.gone);
  await Promise.race([Promise.all([up, down]), down.then(() => wait(lingerMs)), gone]);
  clearTimeout(idle);
  upstream.destroy();
  stream.destroy();
  // Why it was cut off comes a moment after the end of its streams.
  await Promise.race([Promise.all([up, down]), wait(lingerMs)]);
  const [cut] = cuts;
  if (cut !== undefined) throw cut;
}
