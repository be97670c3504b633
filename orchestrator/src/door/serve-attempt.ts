import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { AttemptServices } from './attempt-services.ts';
import { serveConnect } from './serve-connect.ts';
import { serveCheckpoint } from './serve-checkpoint.ts';
import { serveModels } from './serve-models.ts';
import { serveNotes } from './serve-notes.ts';
import { serveTools } from './serve-tools.ts';

/** One request of a worker that has its order. */
export interface ServiceRequest {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly services: AttemptServices;
  /** Notes that the worker is alive. */
  readonly beat: () => void;
}

/** Answers a request for one of the attempt's services; false where there is no such route. */
export async function serveAttempt(request: ServiceRequest): Promise<boolean> {
  if (request.headers[':method'] === 'CONNECT') return serveConnect(request);
  return (
    (await serveModels(request)) ||
    (await serveCheckpoint(request)) ||
    (await serveTools(request)) ||
    (await serveNotes(request))
  );
}
