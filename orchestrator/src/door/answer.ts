import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';

/** Answers a request once; a stream that is gone or has its answer is left alone. */
export function answer(
  stream: ServerHttp2Stream,
  status: number,
  body?: unknown,
  headers: OutgoingHttpHeaders = {},
): void {
  if (stream.destroyed || stream.headersSent) return;
  if (body === undefined) {
    stream.respond({ [constants.HTTP2_HEADER_STATUS]: status }, { endStream: true });
  } else {
    stream.respond({ 'content-type': 'application/json', ...headers, [constants.HTTP2_HEADER_STATUS]: status });
    stream.end(JSON.stringify(body));
  }
  // What is left of a refused body is not read: the worker is told to stop sending it once it has its answer.
  stream.once('finish', () => {
    if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
  });
}
