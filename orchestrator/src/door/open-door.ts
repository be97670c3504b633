import { createServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { DoorEnd, DoorOptions } from './door-events.ts';
import { sessionOptions, sessionWith } from './door-limits.ts';
import { DoorRoutes } from './door-routes.ts';
import { Liveness } from './liveness.ts';

/** One open door. `end` resolves once, however the work ends; `close` ends the session and with it the worker's input. */
export interface Door {
  readonly end: Promise<DoorEnd>;
  close(): void;
}

const afterEndMs = 200;

function isProtocolError(error: unknown): boolean {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' && code.startsWith('ERR_HTTP2');
}

function endByError(error: Error): DoorEnd {
  const cause = error.message;
  return isProtocolError(error)
    ? { kind: 'garbage', problem: 'its standard output is not HTTP/2', cause }
    : { kind: 'closed', cause };
}

function pingRegularly(session: ServerHttp2Session, pingMs: number): NodeJS.Timeout {
  return setInterval(() => {
    if (!session.destroyed && !session.closed) session.ping(() => undefined);
  }, pingMs);
}

function serve(server: Http2Server, stream: Duplex): void {
  // The server has no listening socket: it is only handed this one connection (DESIGN §6).
  server.emit('connection', stream);
}

/**
 * Opens the host's side of the worker's door on `stream`, the worker's standard input and output. HTTP/2 bounds what is
 * held in memory; bytes in all, silence and missing beats are bounded here.
 */
export function openDoor(stream: Duplex, options: DoorOptions): Door {
  const { limits } = options;
  const { promise: end, resolve: settle } = Promise.withResolvers<DoorEnd>();
  const liveness = new Liveness({ ...limits, onMissing: (sign) => settle({ kind: 'missing', sign }) });
  const routes = new DoorRoutes(options, { end: settle, beat: () => liveness.beat() });
  const { egress } = options.services;
  const server = createServer(egress === null ? sessionOptions : sessionWith(egress.openConnections));
  let pings: NodeJS.Timeout | undefined;
  const allowed =
    limits.totalBytes + (options.services.models === null ? 0 : limits.modelBytes) + (egress?.doorBytes ?? 0);
  let total = 0;

  server.on('session', (session) => {
    pings = pingRegularly(session, limits.pingMs);
    session.setLocalWindowSize(sessionOptions.settings.initialWindowSize);
    session.once('close', () => settle({ kind: 'closed', cause: null }));
  });
  server.on('sessionError', (error) => settle(endByError(error)));
  server.on('stream', (request, headers) => {
    request.on('error', () => undefined);
    liveness.data();
    routes.handle(request, headers).catch(() => request.destroy());
  });
  stream.on('data', (chunk: Buffer) => {
    liveness.data();
    total += chunk.length;
    if (total > allowed) settle({ kind: 'garbage', problem: `it sent more than ${allowed} bytes`, cause: null });
  });
  stream.on('error', (error) => settle(endByError(error)));
  // What came before the end is still being read when it arrives; it may explain the end better.
  stream.once('end', () => setTimeout(() => settle({ kind: 'closed', cause: null }), afterEndMs));
  serve(server, stream);

  const close = (): void => {
    clearInterval(pings);
    liveness.stop();
    routes.stop();
    stream.destroy();
    server.close();
  };
  return { end, close };
}
