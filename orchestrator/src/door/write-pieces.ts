import { once } from 'node:events';
import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';

/** Aborted when the request is over, whoever ended it. */
export function goneSignal(stream: ServerHttp2Stream): AbortSignal {
  const gone = new AbortController();
  if (stream.destroyed) gone.abort();
  else stream.once('close', () => gone.abort());
  return gone.signal;
}

/**
 * Answers with status 200 piece by piece. The next piece is asked for when HTTP/2's windows took the last: a worker that does not read
 * holds up its own model and fills no memory here. Ends, without asking for more, when `gone` aborts.
 */
export async function writePieces(
  stream: ServerHttp2Stream,
  headers: OutgoingHttpHeaders,
  pieces: AsyncIterable<string>,
  gone: AbortSignal,
): Promise<void> {
  if (stream.destroyed || stream.headersSent) return;
  stream.respond({ ...headers, ':status': 200 });
  for await (const piece of pieces) {
    if (gone.aborted) return;
    // Aborting ends the wait: then the loop ends, and with it the pieces.
    if (!stream.write(piece)) await once(stream, 'drain', { signal: gone }).catch(() => undefined);
    if (gone.aborted) return;
  }
  if (!gone.aborted) stream.end();
}
