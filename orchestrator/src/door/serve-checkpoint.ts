import { createHash } from 'node:crypto';
import { constants, type ServerHttp2Stream } from 'node:http2';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { doorPaths, maximumCheckpointBytes } from '@agentcompany/protocol';
import { answer } from './answer.ts';
import type { CheckpointStore } from './attempt-services.ts';
import { readAnnouncement } from './bundle-request.ts';
import { readBytes } from './read-body.ts';
import type { ServiceRequest } from './serve-attempt.ts';

/** Stores that take a checkpoint at present: one at a time, since each is held in memory while it comes. */
const taking = new WeakSet<CheckpointStore>();

/** `PUT` and `GET` of what the attempts of a task leave each other (docs/protocol.md). False where the attempt has no such thing. */
export async function serveCheckpoint({ stream, headers, services, beat }: ServiceRequest): Promise<boolean> {
  const store = services.checkpoint;
  if (store === null || headers[':path'] !== doorPaths.checkpoint) return false;
  if (headers[':method'] === 'GET') await give(stream, store);
  else if (headers[':method'] !== 'PUT') return false;
  else if (taking.has(store)) answer(stream, 409, { problem: 'a checkpoint is under way' });
  else {
    taking.add(store);
    try {
      await take({ stream, headers, store });
    } finally {
      taking.delete(store);
    }
  }
  beat();
  return true;
}

async function take({
  stream,
  headers,
  store,
}: Pick<ServiceRequest, 'stream' | 'headers'> & { store: CheckpointStore }) {
  const announced = readAnnouncement(headers);
  if (announced === null) return answer(stream, 411, { problem: 'content-length and content-digest are needed' });
  if (announced.bytes > maximumCheckpointBytes)
    return answer(stream, 413, { problem: `a checkpoint may have ${maximumCheckpointBytes} bytes` });
  const content = await readBytes(stream, announced.bytes);
  if (content?.length !== announced.bytes)
    return answer(stream, 400, { problem: 'other bytes came than were announced' });
  if (createHash('sha256').update(content).digest('hex') !== announced.sha256)
    return answer(stream, 400, { problem: 'the bytes have another SHA-256 than announced' });
  const written = await store.write(content);
  return written.ok ? answer(stream, 204) : answer(stream, 507, { problem: 'the host could not store the checkpoint' });
}

async function give(stream: ServerHttp2Stream, store: CheckpointStore): Promise<void> {
  const found = await store.read();
  if (!found.ok) return answer(stream, 500, { problem: 'the host could not read the checkpoint' });
  if (found.value === null) return answer(stream, 404, { problem: 'there is no checkpoint' });
  if (stream.destroyed) return undefined;
  stream.respond({ [constants.HTTP2_HEADER_STATUS]: 200, 'content-type': 'application/octet-stream' });
  // In pieces: what is written at once counts against the memory of the session. A worker that goes away ends only its own request.
  return pipeline(Readable.from(pieces(found.value)), stream).catch(() => undefined);
}

const pieceBytes = 65_536;

function* pieces(content: Buffer): Generator<Buffer> {
  for (let start = 0; start < content.length; start += pieceBytes) yield content.subarray(start, start + pieceBytes);
}
