import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { constants, type ClientHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { DoorClient } from '../door-client.ts';
import { readAnswer } from '../door-client.ts';

/** The way out as programs of the worker find it: an HTTP proxy on the loopback interface. */
export interface EgressProxy {
  /** `http://127.0.0.1:PORT`. */
  readonly address: string;
  close(): void;
}

const plainHttp = 'only https is let out: plain HTTP is not';
const problemBytes = 2000;
/** Refusals that are said, each once: programs try again, and some hide why they failed. */
const saidRefusals = 50;

/**
 * Opens it. A CONNECT becomes a stream of the door, which says whether it may be; the host checks everything, this side nothing. A plain
 * HTTP request is told no, and the host is asked for its target, so that it stands on record. `say` is told what is refused. Throws when
 * no port can be listened on.
 */
export async function openEgressProxy(door: DoorClient, say: (line: string) => void): Promise<EgressProxy> {
  const said = new Set<string>();
  const onRefusal = (problem: string): void => {
    if (said.has(problem) || said.size >= saidRefusals) return;
    said.add(problem);
    say(`not let out: ${problem}`);
  };
  const server = createServer((request, response) => {
    refusePlain(door, request, response).catch(() => response.destroy());
  });
  server.on('connect', (request, socket, head) => {
    socket.on('error', () => undefined);
    serveConnect({ door, onRefusal }, request.url ?? '', socket, head).catch(() => socket.destroy());
  });
  server.requestTimeout = 0;
  await listen(server);
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
}

async function serveConnect(
  { door, onRefusal }: { readonly door: DoorClient; readonly onRefusal: (problem: string) => void },
  authority: string,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const stream = door.connect(authority);
  socket.once('close', () => stream.close(constants.NGHTTP2_CANCEL));
  const { status, problem: why } = await verdictOf(stream);
  if (status !== 200) {
    onRefusal(why);
    const problem = `agentcompany: ${why}`;
    // Read to its end, so that it closes: what the program would still send goes nowhere.
    socket.resume();
    // In the status line too: of a proxy's refusal most programs show nothing else.
    socket.end(
      `HTTP/1.1 ${status} ${problem}\r\ncontent-type: text/plain\r\ncontent-length: ${problem.length + 1}\r\nconnection: close\r\n\r\n${problem}\n`,
    );
    return;
  }
  socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
  if (head.length > 0) socket.unshift(head);
  await Promise.all([pipeline(socket, stream), pipeline(stream, socket)]);
}

interface Verdict {
  readonly status: number;
  /** Why not, where the status is not 200. */
  readonly problem: string;
}

/**
 * What the door says to a CONNECT. A refusal is read from the moment it begins: the host closes the stream behind it, and both may come at
 * once. Rejects where the door closed the stream without an answer.
 */
function verdictOf(stream: ClientHttp2Stream): Promise<Verdict> {
  return new Promise((resolve, reject) => {
    stream.once('error', reject);
    stream.once('close', () => reject(new Error('the host closed the request')));
    stream.once('response', ({ ':status': status = 502 }) => {
      if (status === 200) return resolve({ status, problem: '' });
      let text = '';
      const refuse = (): void => resolve({ status, problem: readProblem(text) });
      stream.on('data', (chunk: Buffer) => {
        text = (text + chunk.toString('utf8')).slice(0, problemBytes);
      });
      stream.once('end', refuse);
      return void stream.prependOnceListener('close', refuse);
    });
  });
}

function readProblem(body: string): string {
  try {
    const answer: unknown = JSON.parse(body);
    const problem: unknown = typeof answer === 'object' && answer !== null ? Reflect.get(answer, 'problem') : undefined;
    return typeof problem === 'string' ? problem.replaceAll(/[^\x20-\x7e]/g, ' ') : 'the way out is closed';
  } catch {
    return 'the way out is closed';
  }
}

async function refusePlain(door: DoorClient, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = URL.parse(request.url ?? '');
  const isProxied = url?.protocol === 'http:' && url.hostname !== '';
  if (isProxied) {
    const stream = door.connect(`${url.hostname}:${url.port === '' ? '80' : url.port}`);
    const answered = readAnswer(stream).catch(() => undefined);
    stream.end();
    await answered;
  }
  request.resume();
  response.writeHead(isProxied ? 403 : 400, { 'content-type': 'text/plain', 'connection': 'close' });
  response.end(`agentcompany: ${isProxied ? plainHttp : 'this is a proxy: a whole address is expected'}\n`);
}
