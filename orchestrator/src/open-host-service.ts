import { readFileSync } from 'node:fs';
import { failure, success, type Result } from '@agentcompany/protocol';
import { instanceId, type CompanyHome } from './company-home.ts';
import type { Config } from './config.ts';
import type { Log } from './engine/log.ts';
import type { EngineParts, HostService } from './engine/parts.ts';
import { attemptBundle, attemptLog } from './engine/run-files.ts';
import { defaultIngestLimits } from './git/ingest/limits.ts';
import { apiErrors } from './api/errors.ts';
import type { ApiOptions } from './api/open-api.ts';
import { hostToken } from './host-token.ts';
import { openHostModels, type HostModelsOptions } from './open-host-models.ts';

export interface HostServiceOptions extends HostModelsOptions {
  readonly home: CompanyHome;
  readonly config: Config;
  readonly project: EngineParts['project'];
  readonly log: Log;
}

/**
 * Opens the engine home to worker hosts at `api` of the configuration; the HTTP library is loaded only here.
 * Errors: `AC_API_LISTEN`, `AC_API_CERTIFICATE`, those of the token.
 */
export async function serveWorkerHosts(
  { home, config, project, log, ...models }: HostServiceOptions,
  onServing: (address: string) => void = () => undefined,
): Promise<Result<HostService>> {
  const token = hostToken(home);
  if (!token.ok) return token;
  const instance = instanceId(home);
  if (!instance.ok) return instance;
  const tls = readCertificate(config.api);
  if (!tls.ok) return tls;
  const { openApi } = await import('./api/open-api.ts');
  const api = await openApi({
    host: config.api.host,
    port: config.api.port,
    token: token.value,
    tls: tls.value,
    terms: {
      version: 1,
      instance_id: instance.value,
      lease_ms: config.lease_ms,
      max_deliveries: config.max_deliveries,
      accept_volatile: config.accept_volatile,
    },
    fileOf: (attemptId) => attemptBundle(home, attemptId),
    logOf: (runId, attemptId) => attemptLog(home, runId, attemptId),
    modelOf: openHostModels(models),
    maximumBytes: defaultIngestLimits.bundleBytes,
    repositories: async (id) => {
      const parts = await project(id);
      return parts.ok ? success(parts.value.repositories) : parts;
    },
    log,
  });
  if (!api.ok) return api;
  onServing(api.value.address);
  return success({ close: () => api.value.close() });
}

function readCertificate({ certificate_file: certificate, key_file: key }: Config['api']): Result<ApiOptions['tls']> {
  if (certificate === null || key === null) return success(null);
  try {
    return success({ certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') });
  } catch (cause) {
    return failure(apiErrors.AC_API_CERTIFICATE({}, cause));
  }
}
