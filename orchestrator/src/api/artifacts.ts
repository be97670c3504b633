import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FastifyInstance } from 'fastify';
import { idPattern, sha256Pattern } from '../contract/worker-hosts.ts';
import { storeUpload } from '../uploads/store-upload.ts';
import { apiErrors } from './errors.ts';
import { refuse } from './problem.ts';
import { announcedUpload, answerUpload } from './uploads.ts';

export interface ArtifactOptions {
  /** Where an attempt's bundle is ingested from. */
  readonly fileOf: (attemptId: string) => string;
  /** Bytes a bundle may have. */
  readonly maximumBytes: number;
}

const schema = {
  params: { type: 'object', properties: { sha256: { type: 'string', pattern: sha256Pattern } }, required: ['sha256'] },
  querystring: {
    type: 'object',
    properties: { attempt: { type: 'string', pattern: idPattern } },
    required: ['attempt'],
    additionalProperties: false,
  },
} as const;

interface Route {
  readonly Params: { readonly sha256: string };
  readonly Querystring: { readonly attempt: string };
  readonly Body: Readable | undefined;
}

/**
 * `PUT /v1/artifacts/<sha256>?attempt=<id>`: takes an attempt's bundle. 200 only once its bytes and its name are on the disk, and they
 * are those of the digest; the same again is 200 too. `HEAD` says whether it is here.
 */
export async function artifactRoutes(
  server: FastifyInstance,
  { fileOf, maximumBytes }: ArtifactOptions,
): Promise<void> {
  server.head<Route>('/v1/artifacts/:sha256', { schema }, async (request, reply) => {
    const held = await digestOf(fileOf(request.query.attempt));
    return reply.code(held === request.params.sha256 ? 200 : 404).send();
  });

  server.put<Route>('/v1/artifacts/:sha256', { schema, bodyLimit: maximumBytes }, async (request, reply) => {
    const { sha256 } = request.params;
    const { attempt } = request.query;
    const announced = announcedUpload(request, maximumBytes);
    if (!announced.ok) return refuse(reply, announced.error);
    const file = fileOf(attempt);
    const held = await digestOf(file);
    if (held === sha256) return reply.code(200).send({ sha256 });
    if (held !== null) return refuse(reply, apiErrors.AC_API_CONFLICT({ attempt }));
    return answerUpload(reply, await storeUpload({ ...announced.value, file, sha256 }));
  });
}

/** SHA-256 of a stored file in hexadecimal; null where there is none. */
async function digestOf(file: string): Promise<string | null> {
  if ((await stat(file).catch(() => null)) === null) return null;
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
