import { connect, type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from 'node:http2';
import { Readable, type Duplex } from 'node:stream';
import { chatEvent, type ChatEvent } from '@agentcompany/protocol';
import { onTestFinished } from 'vitest';
import type { AttemptServices } from '../attempt-services.ts';
import type { DoorLimits } from '../door-limits.ts';
import type { Door } from '../open-door.ts';
import { openDoorEnds, selfReport } from './door-ends.ts';

export interface DoorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

export interface TestDoor {
  readonly door: Door;
  readonly client: ClientHttp2Session;
  readonly raw: Duplex;
  /** Sends a request and gives its stream. */
  readonly request: (method: string, path: string, body?: unknown, headers?: OutgoingHttpHeaders) => ClientHttp2Stream;
  /** Sends a request and reads the whole answer. */
  readonly call: (method: string, path: string, body?: unknown, headers?: OutgoingHttpHeaders) => Promise<DoorAnswer>;
}

/** A door with these services on the one end of a pipe, and a worker that has its order on the other. */
export async function openTestDoor(
  services: Partial<AttemptServices>,
  limits: Partial<DoorLimits> = {},
): Promise<TestDoor> {
  const { door, workerSide: raw } = openDoorEnds({ services, limits });
  const client = connect('http://door', { createConnection: () => raw });
  client.on('error', () => undefined);
  onTestFinished(() => {
    door.close();
    raw.destroy();
  });
  const request: TestDoor['request'] = (method, path, body, headers = {}) => {
    const stream = client.request({ ':method': method, ':path': path, ...headers });
    stream.on('error', () => undefined);
    if (method === 'GET') stream.end();
    else Readable.from(piecesOf(body)).pipe(stream);
    return stream;
  };
  const call: TestDoor['call'] = (...asked) => readAnswer(request(...asked));
  await call('POST', '/queue/next', { report: selfReport });
  return { door, client, raw, request, call };
}

/** A large body goes in pieces: a client that hands it over at once exhausts its own session. */
function* piecesOf(body: unknown): Generator<Buffer> {
  const bytes =
    Buffer.isBuffer(body) || typeof body === 'string' ? Buffer.from(body) : Buffer.from(JSON.stringify(body ?? {}));
  for (let start = 0; start < bytes.length; start += 65_536) yield bytes.subarray(start, start + 65_536);
}

/** The whole answer to a request; status 0 where there was none. */
export function readAnswer(stream: ClientHttp2Stream): Promise<DoorAnswer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let answered: DoorAnswer['headers'] = {};
    stream.once('response', (headers) => (answered = headers));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('close', () =>
      resolve({
        status: Number(answered[':status'] ?? 0),
        headers: answered,
        body: Buffer.concat(chunks).toString(),
      }),
    );
  });
}

/** The events of an answer in the neutral dialect. */
export function chatEvents({ body }: Pick<DoorAnswer, 'body'>): readonly ChatEvent[] {
  return body
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => chatEvent.parse(JSON.parse(line)));
}
