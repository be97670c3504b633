import type { Readable } from 'node:stream';
import { failure, success, type Result } from '@agentcompany/protocol';
import type { FastifyReply } from 'fastify';
import type { UploadOutcome } from '../uploads/store-upload.ts';
import { apiErrors } from './errors.ts';
import { refuse } from './problem.ts';

interface Announced {
  readonly body: Readable;
  readonly bytes: number;
}

/** An upload that says how long it is, and is not too long. Errors: `AC_API_INVALID`, `AC_API_TOO_LARGE`. */
export function announcedUpload(
  request: {
    readonly body: Readable | undefined;
    readonly headers: { readonly 'content-length'?: string | undefined };
  },
  maximumBytes: number,
): Result<Announced> {
  const announced = request.headers['content-length'] ?? '';
  if (request.body === undefined || !/^\d{1,15}$/u.test(announced))
    return failure(apiErrors.AC_API_INVALID({ problem: 'content-length and application/octet-stream are needed' }));
  const bytes = Number(announced);
  if (bytes > maximumBytes) return failure(apiErrors.AC_API_TOO_LARGE({ limit: maximumBytes }));
  return success({ body: request.body, bytes });
}

/** 200 only for what is on the disk. */
export function answerUpload(reply: FastifyReply, outcome: UploadOutcome): FastifyReply {
  if (outcome.outcome === 'stored') return reply.code(200).send(outcome.stored);
  return refuse(
    reply,
    outcome.outcome === 'mismatch'
      ? apiErrors.AC_API_DIGEST({ problem: outcome.problem })
      : apiErrors.AC_API_STORAGE({}, outcome.cause),
  );
}
