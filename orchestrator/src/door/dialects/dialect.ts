import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import type { z } from 'zod';
import type { AttemptModels } from '../attempt-services.ts';
import type { Body } from '../read-body.ts';

/** One request of a code agent in its own wire format. It is translated into a `ModelRequest`; nothing of it is passed on as it is. */
export interface DialectRequest {
  readonly method: string;
  /** What follows `/model/<dialect>`, with its leading slash and without the query: `/v1/messages`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The worker's own, names in lower case: to tell what form of answer it expects, never to be passed on. */
  readonly headers: IncomingHttpHeaders;
  readonly models: AttemptModels;
  /** Aborted when the worker gave the request up or is gone. */
  readonly signal: AbortSignal;
  /** The body: JSON of at most 16 MiB and bounded depth, finite numbers and whole characters only, of this schema. 413, 400. */
  readJson<Value>(schema: z.ZodType<Value>): Promise<Body<Value>>;
  /** Answers with one JSON value. */
  answer(status: number, body: unknown, headers?: OutgoingHttpHeaders): void;
  /** Answers with status 200 piece by piece, the next one asked for when the last was taken; ends early when `signal` aborts. */
  stream(headers: OutgoingHttpHeaders, pieces: AsyncIterable<string>): Promise<void>;
}

/** A wire format of code agents, served below `/model/<name>/`. */
export interface Dialect {
  readonly name: string;
  /** Answers a request; false where the format has no such route. */
  serve(request: DialectRequest): Promise<boolean>;
}
