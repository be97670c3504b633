import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Answer, Dialect, Fault } from './dialect.ts';

/** How the server treats the next request for an answer. */
export type Behaviour =
  | { readonly kind: 'answer'; readonly answer: Partial<Answer> }
  | { readonly kind: 'fault'; readonly fault: Fault; readonly headers?: Readonly<Record<string, string>> }
  /** Half of the answer, then the connection breaks, the stream ends early, an error event comes, or nothing more. */
  | {
      readonly kind: 'half';
      readonly afterwards: 'break' | 'end' | 'error' | 'silence';
      readonly answer: Partial<Answer>;
    }
  | { readonly kind: 'silence' }
  | { readonly kind: 'rubbish'; readonly text: string }
  | { readonly kind: 'redirect'; readonly location: string }
  /** Sends without end, in one line. */
  | { readonly kind: 'flood' };

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

export interface LoopbackServer {
  readonly url: string;
  readonly seen: readonly SeenRequest[];
  /** What was wrong with requests: empty for a client that speaks the format. */
  readonly objections: readonly string[];
  /** Behaviours of the next requests, in their order; afterwards every request gets an ordinary answer. */
  next(...behaviours: readonly Behaviour[]): void;
  close(): Promise<void>;
}

export interface LoopbackOptions {
  readonly dialect: Dialect;
  readonly key: string;
  readonly models: readonly string[];
}

const ordinary: Answer = {
  texts: ['Hello', ', ', 'world'],
  calls: [],
  stop: 'finished',
  usage: { input: 12, output: 5, cacheRead: 0, cacheWrite: 0 },
};

/** A provider on this machine that speaks its real wire format and takes nothing else. */
export async function openLoopbackServer(options: LoopbackOptions): Promise<LoopbackServer> {
  const seen: SeenRequest[] = [];
  const objections: string[] = [];
  const queue: Behaviour[] = [];
  const server = createServer((request, response) => {
    void handle(request, response).catch((cause: unknown) => {
      objections.push(String(cause));
      response.destroy();
    });
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { dialect, key, models } = options;
    const path = request.url ?? '';
    const method = request.method ?? '';
    const text = await readAll(request);
    const body: unknown = text === '' ? null : JSON.parse(text);
    seen.push({ method, path, headers: request.headers, body });
    const given = dialect.keyOf(request.headers);
    if (given !== key) return send(response, dialect.fault('wrong-key', given ?? ''));
    const described = dialect.describeModel(method, path, body, models);
    if (described !== null) return send(response, described);
    const objection = dialect.isChat(method, path)
      ? dialect.inspect(body, path, request.headers)
      : `unexpected ${method} ${path}`;
    if (objection !== null) {
      objections.push(objection);
      return send(response, dialect.fault('bad-request', key));
    }
    behave(response, dialect, queue.shift() ?? { kind: 'answer', answer: {} }, key);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    objections,
    next: (...behaviours) => void queue.push(...behaviours),
    close: () => close(server),
  };
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

async function readAll(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

function send(
  response: ServerResponse,
  answer: { readonly status: number; readonly body: unknown; readonly headers?: Readonly<Record<string, string>> },
): void {
  response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
  response.end(JSON.stringify(answer.body));
}

function behave(response: ServerResponse, dialect: Dialect, behaviour: Behaviour, key: string): void {
  const begin = (): unknown => response.writeHead(200, { 'content-type': dialect.contentType });
  switch (behaviour.kind) {
    case 'silence':
      return;
    case 'fault': {
      const fault = dialect.fault(behaviour.fault, key);
      return send(response, { ...fault, headers: { ...fault.headers, ...behaviour.headers } });
    }
    case 'redirect':
      response.writeHead(307, { location: behaviour.location }).end();
      return;
    case 'rubbish':
      begin();
      response.end(behaviour.text);
      return;
    case 'flood':
      begin();
      flood(response);
      return;
    case 'answer':
      begin();
      for (const frame of dialect.frames({ ...ordinary, ...behaviour.answer })) response.write(frame);
      response.end();
      return;
    case 'half':
      begin();
      half(response, dialect, behaviour);
  }
}

function half(response: ServerResponse, dialect: Dialect, behaviour: Extract<Behaviour, { kind: 'half' }>): void {
  const frames = dialect.frames({ ...ordinary, ...behaviour.answer });
  const written = frames.slice(0, Math.ceil(frames.length / 2)).join('');
  switch (behaviour.afterwards) {
    case 'break':
      response.write(written, () => response.destroy());
      return;
    case 'end':
      response.end(written);
      return;
    case 'error':
      response.end(written + (dialect.errorFrame ?? ''));
      return;
    case 'silence':
      response.write(written);
  }
}

function flood(response: ServerResponse): void {
  const block = 'x'.repeat(256 * 1024);
  const pour = (): void => {
    while (!response.destroyed && response.write(block));
  };
  response.on('drain', pour);
  pour();
}
