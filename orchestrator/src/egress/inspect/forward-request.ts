import type { IncomingMessage, ServerResponse } from 'node:http';
import { request as openRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { metered, type EgressConnection } from '../egress-connection.ts';
import { Cut } from '../refusal.ts';
import type { OutgoingRequest } from './check-request.ts';
import type { HostAgent } from './host-agent.ts';

/** Only concerns one hop, sets state for later requests, or leads past this way out. */
const keptHeaders: ReadonlySet<string> = new Set([
  'alt-svc',
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'set-cookie',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The connection a request came in, and how it goes on. */
export interface Way {
  readonly connection: EgressConnection;
  readonly agent: HostAgent;
}

/**
 * Sends a checked request to the checked address and hands the answer on, no faster than the worker takes it. Redirects are handed on as
 * they are: the worker's program comes back with the new address, which is checked like the first. Throws a `Cut`; `progress` then
 * tells how far it came.
 */
export async function forwardRequest(
  outgoing: OutgoingRequest,
  body: Buffer,
  response: ServerResponse,
  { connection, agent }: Way,
  progress: { status: number | null; sent_bytes: number; received_bytes: number },
): Promise<void> {
  const { budget, gone, limits, target } = connection;
  const headers = { ...outgoing.headers, host: hostHeader(connection), ...lengthOf(outgoing, body) };
  const bytes = JSON.stringify([outgoing.method, outgoing.path, headers]).length + body.length;
  if (!budget.take(target.rule, 'upload', bytes)) throw new Cut('upload');
  progress.sent_bytes = bytes;
  const incoming = await ask({ outgoing, headers, body, agent, signal: gone, idleMs: limits.idleMs });
  progress.status = incoming.statusCode ?? 502;
  // Refused before its first byte, a program can say why; cut off in the middle it knows of a broken connection alone.
  if (announcedBytes(outgoing, incoming) > budget.left(target.rule, 'download')) {
    incoming.destroy();
    throw new Cut('download');
  }
  response.writeHead(progress.status, passedOn(incoming));
  const count = (chunk: number): void => {
    progress.received_bytes += chunk;
  };
  // An answer that waits behind another is not told when their connection ends.
  await pipeline(incoming, metered(connection, 'download', count), response, { signal: gone });
}

interface Asking {
  readonly outgoing: OutgoingRequest;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly agent: HostAgent;
  readonly signal: AbortSignal;
  readonly idleMs: number;
}

function ask({ outgoing, headers, body, agent, signal, idleMs }: Asking): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { method, path } = outgoing;
    const asked = openRequest({ agent, method, path, headers, setHost: false, signal, maxHeaderSize: 65_536 });
    asked.setTimeout(idleMs, () => asked.destroy(new Cut('silent')));
    asked.once('response', resolve);
    asked.on('error', (error) => reject(error instanceof Cut || signal.aborted ? error : new Cut('unreachable')));
    asked.end(body);
  });
}

function hostHeader({ target: { host, port } }: EgressConnection): string {
  return port === 443 ? host : `${host}:${port}`;
}

function lengthOf({ method }: OutgoingRequest, body: Buffer): Readonly<Record<string, string>> {
  return body.length === 0 && (method === 'GET' || method === 'HEAD') ? {} : { 'content-length': String(body.length) };
}

/** What an answer says will come; 0 where it does not say, or nothing comes. */
function announcedBytes({ method }: OutgoingRequest, { headers, statusCode }: IncomingMessage): number {
  return method === 'HEAD' || statusCode === 304 ? 0 : Number(headers['content-length'] ?? 0);
}

/** The headers of an answer, names and values as they came. */
function passedOn({ rawHeaders }: IncomingMessage): string[] {
  return rawHeaders.filter((_, index) => !keptHeaders.has((rawHeaders[index - (index % 2)] ?? '').toLowerCase()));
}
