import { failure, success, type Result } from '@agentcompany/protocol';
import { containerErrors } from '../errors.ts';

const usualSocket = '/var/run/docker.sock';

/**
 * The socket file a `DOCKER_HOST` value names; null means the usual one. Only Unix sockets: an engine elsewhere cannot
 * mount the mirror, and one behind plain TCP is root for whoever reaches the port. Error: `AC_ENGINE_ADDRESS`.
 */
export function engineSocket(dockerHost: string | null): Result<string> {
  if (dockerHost === null || dockerHost === '') return success(usualSocket);
  const match = /^unix:\/\/(\/.+)$/.exec(dockerHost);
  const path = match?.[1];
  return path === undefined ? failure(containerErrors.AC_ENGINE_ADDRESS({ address: dockerHost })) : success(path);
}
