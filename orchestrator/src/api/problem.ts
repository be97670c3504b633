import type { AppError } from '@agentcompany/protocol';
import type { FastifyReply } from 'fastify';
import { problemType, type ProblemDocument } from '../contract/worker-hosts.ts';

/** HTTP status by error code; what is not here is 503 where it may pass and 500 where not. */
const statuses: Readonly<Record<string, number>> = {
  AC_API_UNAUTHORIZED: 401,
  AC_API_UNKNOWN: 404,
  AC_API_INVALID: 400,
  AC_API_TOO_LARGE: 413,
  AC_API_DIGEST: 422,
  AC_API_CONFLICT: 409,
  AC_API_ATTEMPT_OVER: 410,
  AC_API_STORAGE: 507,
  AC_API_FAILED: 500,
  AC_PROJECT_UNKNOWN: 404,
  AC_BRANCH_UNKNOWN: 404,
  AC_BRANCH_REFUSED: 400,
  AC_OBJECT_NAME_INVALID: 400,
};

/** Answers with an error as problem+json (RFC 9457). The cause stays at home: it may name folders. */
export function refuse(reply: FastifyReply, error: AppError): FastifyReply {
  const status = statuses[error.code] ?? (error.retry === 'never' ? 500 : 503);
  const problem: ProblemDocument = {
    type: `urn:agentcompany:error:${error.code}`,
    title: error.message,
    status,
    code: error.code,
    detail: null,
    remedy: error.remedy,
    retry: error.retry,
  };
  return reply.code(status).type(problemType).send(JSON.stringify(problem));
}
