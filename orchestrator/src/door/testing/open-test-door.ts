import { connect, type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from 'node:http2';
import { duplexPair, Readable, type Duplex } from 'node:stream';
import { chatEvent, workOrder, type ChatEvent, type SelfReport } from '@agentcompany/protocol';
import { onTestFinished } from 'vitest';
import { noServices, type AttemptServices } from '../attempt-services.ts';
import type { DoorLimits } from '../door-limits.ts';
import { defaultDoorLimits } from '../door-limits.ts';
import { openDoor, type Door } from '../open-door.ts';

const order = workOrder.parse({
  kind: 'verify',
  mirror: '/mirror.git',
  base_oid: '1'.repeat(40),
  command_timeout: 10,
  verify: [],
});
/** What a worker could report of itself. */
export const report: SelfReport = {
  uid: 1,
  capabilities_bounding: '0',
  kernel: 'Linux',
  apparmor_profile: null,
  workspace_bytes: null,
  temporary_bytes: null,
  open_files_limit: null,
  file_size_limit_bytes: null,
  core_size_limit_bytes: null,
  no_new_privileges: true,
  seccomp_mode: 2,
  interfaces: [],
  memory_limit_bytes: 1,
  pids_limit: 1,
  cpu_limit: 1,
  mounts: [],
  exposed_paths: [],
  node_version: 'v1',
};

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
  const [hostSide, raw] = duplexPair();
  const door = openDoor(hostSide, {
    order,
    bundleFile: null,
    differences: () => [],
    onProgress: () => undefined,
    services: { ...noServices, ...services },
    limits: { ...defaultDoorLimits, ...limits },
  });
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
  await call('POST', '/queue/next', { report });
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
