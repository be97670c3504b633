import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { connect, type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from 'node:http2';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  doorPaths,
  failure,
  success,
  workOrder,
  type NextRequest,
  type ProgressRequest,
  type Result,
  type WorkOrder,
  type WorkReport,
  workerErrors,
} from '@agentcompany/protocol';

export interface Answer {
  /** HTTP status. */
  readonly status: number;
  readonly body: string;
}

/** The whole answer to a request. Rejects when the host closed it without one. */
export function readAnswer(stream: ClientHttp2Stream): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let status = 0;
    const finish = (): void => {
      if (status === 0) reject(new Error('the host closed the request'));
      else resolve({ status, body: Buffer.concat(chunks).toString('utf8') });
    };
    stream.once('response', (headers) => {
      status = headers[':status'] ?? 0;
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    stream.once('end', finish);
    stream.once('close', finish);
  });
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('base64');
}

/** The worker's side of its door: HTTP/2 over its own standard input and output, of which it is the client (DESIGN §6). */
export class DoorClient {
  readonly #session: ClientHttp2Session;

  constructor(stream: Duplex, onEnd: () => void) {
    this.#session = connect('http://door', {
      createConnection: () => stream,
      settings: { initialWindowSize: 1_048_576, enablePush: false },
    });
    this.#session.on('error', onEnd);
    this.#session.once('close', onEnd);
  }

  /** Pulls the order. Throws when the host gives none: there is nothing else to do then. */
  async next(request: NextRequest): Promise<WorkOrder> {
    const answer = await this.send('POST', doorPaths.next, request);
    if (answer.status !== 200) throw new Error(`the host gave no order: ${answer.status} ${answer.body}`);
    return workOrder.parse(JSON.parse(answer.body));
  }

  async progress(request: ProgressRequest): Promise<void> {
    await this.send('POST', doorPaths.progress, request);
  }

  async complete(report: WorkReport): Promise<void> {
    const answer = await this.send('POST', doorPaths.complete, report);
    if (answer.status >= 300) throw new Error(`the host refused the report: ${answer.status} ${answer.body}`);
  }

  /** Hands over a file with its length and SHA-256 (RFC 9530). Error: `AC_RESULT_REFUSED` with the host's words. */
  async upload(file: string): Promise<Result<undefined>> {
    const { size } = await stat(file);
    const stream = this.request('PUT', doorPaths.bundle, {
      'content-length': String(size),
      'content-digest': `sha-256=:${await digestOf(file)}:`,
    });
    const answered = readAnswer(stream);
    // A host that refuses early closes its side: then its answer says why, not the broken pipe.
    const sent = pipeline(createReadStream(file), stream).catch(() => undefined);
    const answer = await answered;
    await sent;
    return answer.status === 200
      ? success()
      : failure(workerErrors.AC_RESULT_REFUSED({ problem: `${answer.status} ${answer.body}` }));
  }

  close(): void {
    this.#session.close();
  }

  /** One request of any kind; the caller sends the body and reads the answer. */
  request(method: string, path: string, headers: OutgoingHttpHeaders = {}): ClientHttp2Stream {
    return this.#session.request({ ':method': method, ':path': path, ...headers });
  }

  /** Asks for a connection to `authority`, `host:port`: where the answer is 200, the stream is that connection. */
  connect(authority: string): ClientHttp2Stream {
    return this.#session.request({ ':method': 'CONNECT', ':authority': authority });
  }

  /** Sends `body`, where there is one, as JSON and reads the whole answer. */
  async send(method: string, path: string, body: unknown): Promise<Answer> {
    const stream = this.request(method, path, { 'content-type': 'application/json' });
    const answered = readAnswer(stream);
    stream.end(body === undefined ? undefined : JSON.stringify(body));
    return answered;
  }
}
