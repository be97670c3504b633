import { createServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { DoorEnd, DoorOptions, DoorTerms, DoorWork } from './door-events.ts';
import { sessionOptions, settingsWith } from './door-limits.ts';
import { DoorRoutes } from './door-routes.ts';
import { Liveness } from './liveness.ts';

/** One open door. `end` resolves once, however the work ends; `close` ends the session and with it the worker's input. */
export interface Door {
  readonly end: Promise<DoorEnd>;
  close(): void;
}

/** A door whose worker has no work yet: it starts, tells how it is confined, and pulls. */
export interface WaitingDoor extends Door {
  /** Resolves once the worker is confined as asked and its pull is pending; never where that does not come. */
  readonly waiting: Promise<undefined>;
  /** Whether the worker answers a ping within `withinMs`. */
  isAlive(withinMs: number): Promise<boolean>;
  /** Gives the worker its one piece of work. */
  assign(work: DoorWork): void;
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

function answersPing(session: ServerHttp2Session | null, withinMs: number): Promise<boolean> {
  if (session === null || session.destroyed || session.closed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), withinMs);
    session.ping((error) => {
      clearTimeout(timer);
      resolve(error === null);
    });
  });
}

/** Opens the host's side of a worker's door with its work at hand: the first pull is answered with the order. */
export function openDoor(stream: Duplex, options: DoorOptions): Door {
  const door = openWaitingDoor(stream, options);
  door.assign(options);
  return door;
}

/**
 * Opens the host's side of the worker's door on `stream`, the worker's standard input and output. HTTP/2 bounds what is
 * held in memory; bytes in all, silence and missing beats (from the assignment on) are bounded here.
 */
export function openWaitingDoor(stream: Duplex, { limits, differences }: DoorTerms): WaitingDoor {
  const { promise: end, resolve: settle } = Promise.withResolvers<DoorEnd>();
  const { promise: waiting, resolve: waits } = Promise.withResolvers<undefined>();
  const liveness = new Liveness({ ...limits, onMissing: (sign) => settle({ kind: 'missing', sign }) });
  const routes = new DoorRoutes(
    { limits, differences },
    { end: settle, beat: () => liveness.beat(), waiting: () => waits(undefined) },
  );
  const server = createServer(sessionOptions);
  let current: ServerHttp2Session | null = null;
  let pings: NodeJS.Timeout | undefined;
  let allowed = limits.totalBytes;
  let openConnections = 0;
  const makeRoom = (): void => {
    if (openConnections > 0) current?.settings(settingsWith(openConnections));
  };
  let total = 0;

  server.on('session', (session) => {
    current = session;
    makeRoom();
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
  const assign = (work: DoorWork): void => {
    const { models, egress } = work.services;
    allowed += (models === null ? 0 : limits.modelBytes) + (egress?.doorBytes ?? 0);
    openConnections = egress?.openConnections ?? 0;
    makeRoom();
    liveness.beat();
    routes.assign(work);
  };
  return { end, waiting, close, assign, isAlive: (withinMs) => answersPing(current, withinMs) };
}
