import { failure, success, type Result } from '@agentcompany/protocol';
import fastify, { type FastifyError, type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { hostPaths, type CompanyTerms } from '../contract/worker-hosts.ts';
import { attemptModelRoutes, type AttemptModelOptions } from './attempt-models.ts';
import { artifactRoutes, type ArtifactOptions } from './artifacts.ts';
import { isAuthorized } from './authorization.ts';
import { apiErrors } from './errors.ts';
import { logRoutes, type LogOptions } from './logs.ts';
import { packRoutes, type PackOptions } from './packs.ts';
import { refuse } from './problem.ts';

export interface ApiOptions extends ArtifactOptions, AttemptModelOptions, LogOptions, PackOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly token: string;
  readonly terms: CompanyTerms;
  /** PEM texts; plain HTTP where absent. */
  readonly tls: { readonly certificate: string; readonly key: string } | null;
  readonly log: (event: string, details: Readonly<Record<string, unknown>>) => void;
}

export interface Api {
  /** `http://host:port` as it listens. */
  readonly address: string;
  /** Ends at once: an upload under way is cut and sent again by its host. */
  close(): Promise<void>;
}

/** Milliseconds a request may take to arrive, and a connection may wait for the next one. */
const requestMs = 900_000;
const idleMs = 60_000;

/**
 * Serves worker hosts: every route asks for the token first, whatever the path (S52). Errors are problem+json.
 * Errors: `AC_API_LISTEN`, `AC_API_CERTIFICATE`.
 */
export async function openApi(options: ApiOptions): Promise<Result<Api>> {
  let server: FastifyInstance;
  try {
    server = createServer(options);
  } catch (cause) {
    return failure(apiErrors.AC_API_CERTIFICATE({}, cause));
  }
  try {
    const address = await server.listen({ host: options.host, port: options.port });
    return success({ address, close: () => server.close() });
  } catch (cause) {
    await server.close();
    return failure(apiErrors.AC_API_LISTEN({ address: `${options.host}:${options.port}` }, cause));
  }
}

function createServer(options: ApiOptions): FastifyInstance {
  const settings: FastifyServerOptions = {
    requestTimeout: requestMs,
    keepAliveTimeout: idleMs,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 200 },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
  };
  const { tls } = options;
  const secure = tls === null ? {} : { https: { cert: tls.certificate, key: tls.key, minVersion: 'TLSv1.2' as const } };
  const server: FastifyInstance = fastify({ ...settings, ...secure });
  server.addHook('onRequest', async (request, reply) => {
    if (isAuthorized(request.headers.authorization, options.token)) return undefined;
    return refuse(reply.header('www-authenticate', 'Bearer'), apiErrors.AC_API_UNAUTHORIZED());
  });
  server.setNotFoundHandler((request, reply) => refuse(reply, apiErrors.AC_API_UNKNOWN({ path: request.url })));
  server.setErrorHandler<FastifyError>((error, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status === 413) return refuse(reply, apiErrors.AC_API_TOO_LARGE({ limit: request.routeOptions.bodyLimit }));
    if (status < 500) return refuse(reply, apiErrors.AC_API_INVALID({ problem: error.message }));
    options.log('request-failed', { cause: error.message });
    return refuse(reply, apiErrors.AC_API_FAILED({}, error));
  });
  server.get(hostPaths.company, async () => options.terms);
  server.addContentTypeParser('application/octet-stream', (_request, body, done) => done(null, body));
  void server.register(artifactRoutes, options);
  void server.register(attemptModelRoutes, options);
  void server.register(logRoutes, options);
  void server.register(packRoutes, options);
  return server;
}
