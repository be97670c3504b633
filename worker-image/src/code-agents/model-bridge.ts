import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { constants, type ClientHttp2Stream, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { DoorClient } from '../door-client.ts';
import { serveMcp } from '../mcp/serve-mcp.ts';

/** Where a code agent finds its model: plain HTTP on the loopback interface, which is all the network there is. */
export interface ModelBridge {
  /** `http://127.0.0.1:PORT`; a wire format lies below its name: `/anthropic/v1/messages`; the host's tools at `/mcp`. */
  readonly address: string;
  /** The last answer of the host that was no success, for the person who wonders why the agent gave up; null: there was none. */
  refusal(): string | null;
  /** Aborted when the host has said that the attempt has had all its answers. */
  readonly spent: AbortSignal;
  close(): void;
}

/** What of a request reaches the host. Keys, cookies and what only concerns this hop stay here. */
const requestHeaders = ['accept', 'anthropic-beta', 'anthropic-version', 'content-encoding', 'content-type'] as const;
const responseHeaders = [
  'content-type',
  'request-id',
  'retry-after',
  'retry-after-ms',
  'x-request-id',
  'x-should-retry',
];
const wireFormatPath = /^\/[a-z0-9][a-z0-9-]*\/[!-~]*$/;
/** Where a code agent finds the host's tools, below the bridge's address. */
export const toolsPath = '/mcp';
const refusalBytes = 2000;

function some<Headers extends IncomingHttpHeaders>(headers: Headers, names: readonly string[]): OutgoingHttpHeaders {
  return Object.fromEntries(names.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));
}

function answered(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders & { readonly ':status'?: number }> {
  return new Promise((resolve, reject) => {
    stream.once('response', resolve);
    stream.once('error', reject);
    stream.once('close', () => reject(new Error('the host closed the request')));
  });
}

interface Forwarding {
  readonly onAsked: () => Promise<void>;
  readonly onRefusal: (status: number, stream: ClientHttp2Stream) => void;
}

/** Forwards one request, both bodies as they come and no faster than they are taken. */
async function forward(
  door: DoorClient,
  request: IncomingMessage,
  response: ServerResponse,
  { onAsked, onRefusal }: Forwarding,
): Promise<void> {
  const path = `/model${request.url ?? ''}`;
  const stream = door.request(request.method ?? 'GET', path, some(request.headers, requestHeaders));
  response.once('close', () => stream.close(constants.NGHTTP2_CANCEL));
  const headersCame = answered(stream);
  // A host that answers before it has read all says why; the rest of the body is not its concern.
  const sent = pipeline(request, stream).catch(() => undefined);
  const [headers] = await Promise.all([headersCame, request.method === 'POST' ? onAsked() : undefined]);
  const status = headers[':status'] ?? 502;
  if (status >= 400) onRefusal(status, stream);
  response.writeHead(status, some(headers, responseHeaders));
  await pipeline(stream, response);
  await sent;
}

/**
 * Opens the bridge between a code agent's HTTP/1.1 and the door's HTTP/2. `onAsked` is told of each request while the host answers it, and
 * no answer comes before it is done. Throws when no port can be listened on.
 */
export async function openModelBridge(door: DoorClient, onAsked: () => Promise<void>): Promise<ModelBridge> {
  let refusal: string | null = null;
  const spent = new AbortController();
  const onRefusal = (status: number, stream: ClientHttp2Stream): void => {
    refusal = `${status} `;
    stream.on('data', (chunk: Buffer) => {
      refusal = `${refusal ?? ''}${chunk.toString('utf8')}`.slice(0, refusalBytes);
      if (refusal.includes('AC_WORK_PARTIAL')) spent.abort();
    });
  };
  const server = createServer((request, response) => {
    if (request.url === toolsPath) return void serveMcp(request, response, door);
    if (!wireFormatPath.test(request.url ?? '')) return void response.writeHead(404).end();
    forward(door, request, response, { onAsked, onRefusal }).catch(() => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end();
    });
  });
  // An agent may think for minutes between two requests, and a model before its first word.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}`,
    refusal: () => refusal,
    spent: spent.signal,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
