import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const pieceBytes = 65_536;

function* pieces(content: Buffer): Generator<Buffer> {
  for (let start = 0; start < content.length; start += pieceBytes) yield content.subarray(start, start + pieceBytes);
}

/**
 * Sends the whole body of a request. In pieces: one that is handed over at once counts against the memory of its own session. A host
 * that answers before it has read all is no failure here: its answer says why.
 */
export async function sendInPieces(content: Buffer, stream: Writable): Promise<void> {
  await pipeline(Readable.from(pieces(content)), stream).catch(() => undefined);
}
