import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { idPattern, maximumLogBytes, sha256Pattern } from '../contract/worker-hosts.ts';
import { storeUpload } from '../uploads/store-upload.ts';
import { refuse } from './problem.ts';
import { announcedUpload, answerUpload } from './uploads.ts';

export interface LogOptions {
  /** Where an attempt's log is read from. */
  readonly logOf: (runId: string, attemptId: string) => string;
}

const id = { type: 'string', pattern: idPattern } as const;
const schema = {
  params: { type: 'object', properties: { sha256: { type: 'string', pattern: sha256Pattern } }, required: ['sha256'] },
  querystring: {
    type: 'object',
    properties: { run: id, attempt: id },
    required: ['run', 'attempt'],
    additionalProperties: false,
  },
} as const;

interface Route {
  readonly Params: { readonly sha256: string };
  readonly Querystring: { readonly run: string; readonly attempt: string };
  readonly Body: Readable | undefined;
}

/** `PUT /v1/logs/<sha256>?run=<id>&attempt=<id>`: takes what a container on another machine wrote to standard error. */
export async function logRoutes(server: FastifyInstance, { logOf }: LogOptions): Promise<void> {
  server.put<Route>('/v1/logs/:sha256', { schema, bodyLimit: maximumLogBytes }, async (request, reply) => {
    const announced = announcedUpload(request, maximumLogBytes);
    if (!announced.ok) return refuse(reply, announced.error);
    const file = logOf(request.query.run, request.query.attempt);
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    } catch (cause) {
      return answerUpload(reply, { outcome: 'disk', cause });
    }
    const { sha256 } = request.params;
    return answerUpload(reply, await storeUpload({ ...announced.value, file, sha256 }));
  });
}
