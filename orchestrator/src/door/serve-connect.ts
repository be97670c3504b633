import type { ServerHttp2Stream } from 'node:http2';
import { answer } from './answer.ts';
import type { ConnectAnswer } from './attempt-services.ts';
import { goneSignal } from './write-pieces.ts';
import type { ServiceRequest } from './serve-attempt.ts';

/** `CONNECT host:port`: the way out, where the attempt has one. False where it has none. */
export async function serveConnect({ stream, headers, services }: ServiceRequest): Promise<boolean> {
  if (services.egress === null) return false;
  await services.egress.connect(headers[':authority'] ?? '', answerOn(stream));
  return true;
}

function answerOn(stream: ServerHttp2Stream): ConnectAnswer {
  // One that the worker gave up would stay until what was to be written to it is.
  stream.once('aborted', () => stream.destroy());
  return {
    accept: () => {
      if (stream.destroyed || stream.headersSent) return null;
      stream.respond({ ':status': 200 });
      return stream;
    },
    refuse: (status, problem) => answer(stream, status, { problem }),
    end: () => void stream.destroy(),
    gone: goneSignal(stream),
  };
}
